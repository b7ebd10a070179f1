extension JSONScanner {
  /// Consumes the number at the cursor, which must be one that a `Double` can hold: a peer's
  /// parser would make an infinity of any other, or refuse the message that it came in.
  @inlinable
  mutating func number() throws(JSONError) {
    let start = at
    if current == UInt8(ascii: "-") { at += 1 }
    let integerDigits: Int
    if current == UInt8(ascii: "0") {
      at += 1
      integerDigits = 1
    } else {
      integerDigits = try digits()
    }
    if current == UInt8(ascii: ".") {
      at += 1
      _ = try digits()
    }
    var exponentDigits = 0
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      at += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { at += 1 }
      exponentDigits = try digits()
    }
    // Below 10^200 * 10^99 there is nothing to compute.
    if integerDigits > 200 || exponentDigits > 2 {
      let text = String(decoding: self[start..<at], as: UTF8.self)
      guard let number = Double(text), number.isFinite else {
        throw .numberOutOfRange
      }
    }
  }

  /// Consumes one digit or more, and says how many.
  @inlinable
  mutating func digits() throws(JSONError) -> Int {
    let start = at
    while UInt8(ascii: "0")...UInt8(ascii: "9") ~= current { at += 1 }
    guard at > start else { throw .malformed }
    return at - start
  }

  /// The value of a number that was written without an exponent, is whole and is below 2^53. A
  /// fraction of zeros is none: some clients write all their numbers with one.
  @inlinable
  package func wholeNumber(_ number: JSONValue) -> UInt64? {
    guard number.kind == .number else { return nil }
    let bytes = raw(number)
    let digits = bytes.prefix { $0 != UInt8(ascii: ".") }
    guard digits.count <= 16, bytes.dropFirst(digits.count + 1).allSatisfy({ $0 == UInt8(ascii: "0") })
    else { return nil }
    var value: UInt64 = 0
    for byte in digits {
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
      value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
    }
    return value < 1 << 53 ? value : nil
  }
}
