/// Bytes as URLs and forms write them: `%41` for `A`; RFC 3986, section 2.1.
package enum PercentEncoding {
  /// Nil when an encoding is cut or not hexadecimal. `plusIsSpace`: as in forms and queries.
  package static func decoded(_ text: ArraySlice<UInt8>, plusIsSpace: Bool) -> [UInt8]? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.count)
    var rest = text
    while let first = rest.first {
      if first == UInt8(ascii: "%") {
        guard let byte = byte(startingAt: rest) else { return nil }
        decoded.append(byte)
        rest = rest.dropFirst(3)
      } else {
        decoded.append(plusIsSpace && first == UInt8(ascii: "+") ? ASCII.space : first)
        rest = rest.dropFirst()
      }
    }
    return decoded
  }

  /// The byte that the three characters at the start of `text` encode.
  package static func byte(startingAt text: ArraySlice<UInt8>) -> UInt8? {
    guard text.count >= 3, let high = ASCII.hexValue(text[text.startIndex + 1]),
      let low = ASCII.hexValue(text[text.startIndex + 2])
    else { return nil }
    return high << 4 | low
  }
}
