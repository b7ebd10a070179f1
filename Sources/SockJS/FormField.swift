import Bytes

/// One field of a form as browsers send it: `application/x-www-form-urlencoded`.
struct FormField {
  /// Its value, decoded: any bytes.
  let value: [UInt8]

  /// Whether a `Content-Type` is that of a form, whatever its parameters.
  static func isForm(_ contentType: String?) -> Bool {
    guard let type = contentType?.utf8.prefix(while: { $0 != UInt8(ascii: ";") }) else {
      return false
    }
    let name = Array(type.filter { $0 != ASCII.space && $0 != ASCII.tab })
    return ASCII.equalIgnoringCase(name[...], "application/x-www-form-urlencoded")
  }

  /// Finds the first field called `name`.
  init(
    _ name: StaticString, in body: UnsafeRawBufferPointer
  ) throws(SockJSPayloadError) {
    let start = name.utf8CodeUnitCount + 1
    let field = Array(body).split(separator: UInt8(ascii: "&")).first { pair in
      pair.count >= start && pair[pair.startIndex + start - 1] == UInt8(ascii: "=")
        && pair.prefix(start - 1).elementsEqual(name.codeUnits)
    }
    guard let encoded = field?.dropFirst(start) else { throw .payloadExpected }
    guard let decoded = Self.decoded(encoded) else { throw .brokenEncoding }
    value = decoded
  }

  /// Nil when an escape is cut or not hexadecimal.
  private static func decoded(_ encoded: ArraySlice<UInt8>) -> [UInt8]? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(encoded.count)
    var rest = encoded
    while let first = rest.popFirst() {
      switch first {
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(ASCII.hexValue),
          let low = rest.popFirst().flatMap(ASCII.hexValue)
        else { return nil }
        decoded.append(high << 4 | low)
      case UInt8(ascii: "+"): decoded.append(ASCII.space)
      default: decoded.append(first)
      }
    }
    return decoded
  }
}

extension StaticString {
  fileprivate var codeUnits: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
  }
}
