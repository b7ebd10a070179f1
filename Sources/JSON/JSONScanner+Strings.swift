extension JSONScanner {
  /// Consumes the string at the cursor.
  @inlinable @inline(__always)
  package mutating func string() throws(JSONError) -> JSONValue {
    let start = at
    try expect(UInt8(ascii: "\""))
    skipPlainCharacters()
    guard current == UInt8(ascii: "\"") else { return try escapedString(from: start) }
    at += 1
    return JSONValue(kind: .string, start: start, end: at)
  }

  /// Consumes the rest of a string, from the first character that is not plain on.
  @inlinable
  mutating func escapedString(from start: Int) throws(JSONError) -> JSONValue {
    while true {
      switch current {
      case UInt8(ascii: "\""):
        at += 1
        return JSONValue(kind: .escapedString, start: start, end: at)
      case UInt8(ascii: "\\"):
        guard escape() != nil else { throw .malformed }
        skipPlainCharacters()
      default:
        // A control character, or the end of the text.
        throw .malformed
      }
    }
  }

  /// Moves to the next quote, backslash or control character, or to the end.
  @inlinable @inline(__always)
  mutating func skipPlainCharacters() {
    while let word = word(at: at) {
      let special = Self.specialBytes(of: word)
      if special != 0 {
        at += special.trailingZeroBitCount / 8
        return
      }
      at += 8
    }
    while at < count, !Self.isSpecial(current) { at += 1 }
  }

  @inlinable
  static func isSpecial(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20
  }

  /// The high bit of the lowest special byte of eight, and perhaps of some above it.
  ///
  /// `(x - 0x01..) & ~x & 0x80..` marks the zero bytes of `x`; a borrow may mark bytes above the
  /// first one wrongly, never below. With 0x20 for 0x01 it marks the bytes below 0x20.
  @inlinable
  static func specialBytes(of word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
    let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
    let controls = (word &- ones &* 0x20) & ~word
    let matches = ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
    return (controls | matches) & (ones &* 0x80)
  }

  /// Consumes the escape at the cursor, a surrogate pair as one; nil if it is not valid.
  @inlinable
  mutating func escape() -> Unicode.Scalar? {
    at += 1
    let letter = current
    at += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return unicodeEscape()
    default: return nil
    }
  }

  @inlinable
  mutating func unicodeEscape() -> Unicode.Scalar? {
    guard let unit = fourHexDigits() else { return nil }
    guard 0xD800...0xDBFF ~= unit else { return Unicode.Scalar(unit) }
    guard current == UInt8(ascii: "\\") else { return nil }
    at += 1
    guard current == UInt8(ascii: "u") else { return nil }
    at += 1
    guard let low = fourHexDigits(), 0xDC00...0xDFFF ~= low else { return nil }
    return Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
  }

  @inlinable
  mutating func fourHexDigits() -> UInt32? {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch current {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = current - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = current - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = current - UInt8(ascii: "A") + 10
      default: return nil
      }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return value
  }
}

// MARK: - Contents

extension JSONScanner {
  /// The bytes of a value as they were written.
  @inlinable
  package func raw(_ value: JSONValue) -> UnsafeRawBufferPointer {
    self[value.start..<value.end]
  }

  /// Gives `use` what a string means: the text itself, or a copy of it without escapes.
  @inlinable
  package func withContent<Result>(
    of string: JSONValue, _ use: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    guard string.kind == .escapedString else {
      return use(self[(string.start + 1)..<(string.end - 1)])
    }
    return unescaped(string).withUnsafeBytes(use)
  }

  @inlinable
  package func content(of string: JSONValue) -> String {
    withContent(of: string) { String(decoding: $0, as: UTF8.self) }
  }

  @inlinable
  func unescaped(_ string: JSONValue) -> [UInt8] {
    var content: [UInt8] = []
    content.reserveCapacity(string.count)
    appendContent(of: string, to: &content)
    return content
  }

  /// Appends what a string means, which is never longer than the way it is written.
  @inlinable
  package func appendContent(of string: JSONValue, to content: inout [UInt8]) {
    var walker = self
    walker.at = string.start + 1
    let end = string.end - 1
    while walker.at < end {
      let plainStart = walker.at
      walker.skipPlainCharacters()
      // The scanner's own check ends at the closing quote at the latest.
      content.append(contentsOf: self[plainStart..<min(walker.at, end)])
      guard walker.at < end, let scalar = walker.escape() else { return }
      if scalar.isASCII {
        content.append(UInt8(truncatingIfNeeded: scalar.value))
      } else {
        content.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
      }
    }
  }
}
