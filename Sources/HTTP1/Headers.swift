import Bytes

/// The header fields of one message, in order, over one copy of its bytes.
///
/// A field becomes a `String` only when it is asked for.
package struct Headers: Sendable {
  struct Field: Sendable {
    let name: Range<Int32>
    let value: Range<Int32>
  }

  let bytes: [UInt8]
  private(set) var fields: [Field] = []

  /// Splits `bytes` from `start` on, lines that each end in CR LF.
  ///
  /// The lines hold no control byte but tab: `HeadScanner` refuses those.
  init(lines bytes: [UInt8], from start: Int) throws(RequestError) {
    self.bytes = bytes
    var at = start
    while at < bytes.count {
      guard let end = bytes[at...].firstIndex(of: ASCII.carriageReturn) else { break }
      fields.append(try Self.field(in: bytes, at..<end))
      at = end + 2
    }
  }

  /// RFC 9112, section 5: a token, a colon right behind it, a value between optional blanks.
  private static func field(
    in bytes: [UInt8], _ line: Range<Int>
  ) throws(RequestError) -> Field {
    guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")), colon > line.lowerBound,
      bytes[line.lowerBound..<colon].allSatisfy(isTokenByte)
    else { throw .badRequest(.fieldLine) }
    var value = (colon + 1)..<line.upperBound
    while let first = value.first, ASCII.isBlank(bytes[first]) {
      value = (first + 1)..<value.upperBound
    }
    while let last = value.last, ASCII.isBlank(bytes[last]) { value = value.lowerBound..<last }
    return Field(
      name: Int32(line.lowerBound)..<Int32(colon),
      value: Int32(value.lowerBound)..<Int32(value.upperBound))
  }

  package var count: Int { fields.count }

  /// The values of all fields with this name, each as it came, in order.
  package func values(_ name: StaticString) -> [ArraySlice<UInt8>] {
    var values: [ArraySlice<UInt8>] = []
    for field in fields where ASCII.equalIgnoringCase(self[field.name], name) {
      values.append(self[field.value])
    }
    return values
  }

  /// The value of the first field with this name.
  package subscript(name: StaticString) -> String? {
    values(name).first.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The value of the only field with this name; nil also when there are several.
  package func only(_ name: StaticString) -> String? {
    let found = values(name)
    return found.count == 1 ? String(decoding: found[0], as: UTF8.self) : nil
  }

  /// The comma-separated elements of all fields with this name, without blanks around them.
  package func elements(_ name: StaticString) -> [ArraySlice<UInt8>] {
    values(name).flatMap { value in
      value.split(separator: UInt8(ascii: ",")).map(ASCII.trimmed).filter { !$0.isEmpty }
    }
  }

  /// Whether `token` is an element of a list field, in any case.
  package func lists(_ token: StaticString, in name: StaticString) -> Bool {
    elements(name).contains { ASCII.equalIgnoringCase($0, token) }
  }

  private subscript(range: Range<Int32>) -> ArraySlice<UInt8> {
    bytes[Int(range.lowerBound)..<Int(range.upperBound)]
  }
}

/// A byte of a token; RFC 9110, section 5.6.2.
func isTokenByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
    UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
    UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
    UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
    true
  default: ASCII.isDigit(byte) || ASCII.isLetter(byte)
  }
}
