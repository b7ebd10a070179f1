/// Decodes base64 in the alphabet for URLs, without padding; RFC 4648, section 5. Nil when `text`
/// is none.
package func decodedBase64URL(_ text: some Sequence<UInt8>) -> [UInt8]? {
  var decoded: [UInt8] = []
  var bits: UInt32 = 0
  var bitCount: UInt32 = 0
  for byte in text {
    guard let digit = value(ofDigit: byte) else { return nil }
    bits = bits << 6 | UInt32(digit)
    bitCount += 6
    guard bitCount >= 8 else { continue }
    bitCount -= 8
    decoded.append(UInt8(truncatingIfNeeded: bits >> bitCount))
    bits &= (1 << bitCount) - 1
  }
  // A single digit is no byte, and what is left of the last one is zero.
  return bitCount < 6 && bits == 0 ? decoded : nil
}

private func value(ofDigit byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
  case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
  case UInt8(ascii: "-"): 62
  case UInt8(ascii: "_"): 63
  default: nil
  }
}
