package import Bytes

extension ByteBuffer {
  /// Appends a message as a JSON string, quotes included, so that every browser gets it unharmed
  /// over every transport.
  ///
  /// `message` is UTF-8. Escaped are, besides what RFC 8259 asks for, U+200C...200F, 2028...202F,
  /// 2060...206F and FFF0...FFFF. So a quoted message is no longer than six times the message,
  /// and holds no control character.
  package mutating func appendQuoted(_ message: UnsafeRawBufferPointer) {
    reserve(message.count + 2)
    append(UInt8(ascii: "\""))
    appendEscaped(message, escapesMarkup: false)
    append(UInt8(ascii: "\""))
  }

  /// Appends text for the inside of a string of JSON or of a script.
  ///
  /// With `escapesMarkup` also `<` is escaped, so that no `</script>` and no `<!--` in the text
  /// ends the script that it is written into.
  mutating func appendEscaped(_ text: UnsafeRawBufferPointer, escapesMarkup: Bool) {
    var plainStart = 0
    var at = 0
    while at < text.count {
      let length = Self.escapableLength(in: text, at: at, escapesMarkup: escapesMarkup)
      if length == 0 {
        at += 1
        continue
      }
      append(UnsafeRawBufferPointer(rebasing: text[plainStart..<at]))
      appendEscape(of: UnsafeRawBufferPointer(rebasing: text[at..<(at + length)]))
      at += length
      plainStart = at
    }
    append(UnsafeRawBufferPointer(rebasing: text[plainStart...]))
  }

  /// How many bytes the character at `at` has when it must be escaped; 0 when it need not be.
  private static func escapableLength(
    in text: UnsafeRawBufferPointer, at: Int, escapesMarkup: Bool
  ) -> Int {
    let first = text[at]
    switch first {
    case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"): return 1
    case UInt8(ascii: "<"): return escapesMarkup ? 1 : 0
    case 0xE2, 0xEF:
      guard text.count - at >= 3 else { return 0 }
      return isEscapable(first, text[at + 1], text[at + 2]) ? 3 : 0
    default: return 0
    }
  }

  /// Whether three bytes of UTF-8 are one of the characters beyond ASCII that browsers mangle.
  private static func isEscapable(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
    switch (first, second) {
    // U+200C...200F and U+2028...202F.
    case (0xE2, 0x80): 0x8C...0x8F ~= third || 0xA8...0xAF ~= third
    // U+2060...206F.
    case (0xE2, 0x81): 0xA0...0xAF ~= third
    // U+FFF0...FFFF.
    case (0xEF, 0xBF): 0xB0...0xBF ~= third
    default: false
    }
  }

  /// Appends the escape of one ASCII character, or of one of three bytes.
  private mutating func appendEscape(of character: UnsafeRawBufferPointer) {
    switch character[0] {
    case UInt8(ascii: "\""): append("\\\"")
    case UInt8(ascii: "\\"): append("\\\\")
    case UInt8(ascii: "\n"): append("\\n")
    case UInt8(ascii: "\r"): append("\\r")
    case UInt8(ascii: "\t"): append("\\t")
    case 0x08: append("\\b")
    case 0x0C: append("\\f")
    default:
      let value =
        character.count == 1
        ? UInt16(character[0])
        : UInt16(character[0] & 0x0F) << 12 | UInt16(character[1] & 0x3F) << 6
          | UInt16(character[2] & 0x3F)
      append("\\u")
      for shift: UInt16 in [12, 8, 4, 0] { append(hexDigit: UInt8(value >> shift & 0xF)) }
    }
  }

  private mutating func append(hexDigit digit: UInt8) {
    append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
  }
}
