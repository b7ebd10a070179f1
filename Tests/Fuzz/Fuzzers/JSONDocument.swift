/// A JSON text as a tree, by a second reader of RFC 8259 that shares nothing with the server's.
///
/// Slow and plain, to be held against the one that is neither.
indirect enum JSONDocument: Equatable {
  case null
  case bool(Bool)
  /// As it was written.
  case number([UInt8])
  /// The UTF-8 of what it means.
  case string([UInt8])
  case array([JSONDocument])
  /// In order; a key may come twice.
  case object([(key: [UInt8], value: JSONDocument)])

  /// Nesting that is read; the server's limit is lower.
  static let depthMax = 64

  enum Failure: Error { case malformed, tooDeep }

  init(_ text: UnsafeRawBufferPointer) throws(Failure) {
    var reader = JSONReader(rest: text[...])
    reader.skipBlanks()
    self = try reader.value(depth: 0)
    reader.skipBlanks()
    guard reader.rest.isEmpty else { throw .malformed }
  }

  /// The last value of a key; nil for what is no object.
  subscript(key: String) -> JSONDocument? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.key.elementsEqual(key.utf8) }?.value
  }

  /// What it means, if it is a string.
  var string: [UInt8]? {
    guard case .string(let utf8) = self else { return nil }
    return utf8
  }

  /// Whether some object in it has a key twice.
  var repeatsKeys: Bool {
    switch self {
    case .null, .bool, .number, .string: false
    case .array(let elements): elements.contains(where: \.repeatsKeys)
    case .object(let members):
      Set(members.map(\.key)).count < members.count || members.contains(where: \.value.repeatsKeys)
    }
  }

  static func == (left: JSONDocument, right: JSONDocument) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.number(let left), .number(let right)), (.string(let left), .string(let right)):
      left == right
    case (.array(let left), .array(let right)): left == right
    case (.object(let left), .object(let right)):
      left.map(\.key) == right.map(\.key) && left.map(\.value) == right.map(\.value)
    case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _): false
    }
  }
}

private struct JSONReader {
  var rest: Slice<UnsafeRawBufferPointer>

  mutating func skipBlanks() { rest = rest.drop { " \t\n\r".utf8.contains($0) } }

  mutating func skip(_ byte: Character) -> Bool {
    guard rest.first == byte.asciiValue else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func skip(word: String) -> Bool {
    guard rest.starts(with: word.utf8) else { return false }
    rest.removeFirst(word.utf8.count)
    return true
  }

  mutating func value(depth: Int) throws(JSONDocument.Failure) -> JSONDocument {
    guard depth <= JSONDocument.depthMax else { throw .tooDeep }
    if skip("{") { return .object(try members(depth: depth)) }
    if skip("[") { return .array(try elements(depth: depth)) }
    if skip("\"") { return .string(try string()) }
    if skip(word: "null") { return .null }
    if skip(word: "true") { return .bool(true) }
    if skip(word: "false") { return .bool(false) }
    return .number(try number())
  }

  private mutating func members(
    depth: Int
  ) throws(JSONDocument.Failure) -> [(key: [UInt8], value: JSONDocument)] {
    var members: [(key: [UInt8], value: JSONDocument)] = []
    skipBlanks()
    if skip("}") { return members }
    repeat {
      skipBlanks()
      guard skip("\"") else { throw .malformed }
      let key = try string()
      skipBlanks()
      guard skip(":") else { throw .malformed }
      skipBlanks()
      members.append((key, try value(depth: depth + 1)))
      skipBlanks()
    } while skip(",")
    guard skip("}") else { throw .malformed }
    return members
  }

  private mutating func elements(depth: Int) throws(JSONDocument.Failure) -> [JSONDocument] {
    var elements: [JSONDocument] = []
    skipBlanks()
    if skip("]") { return elements }
    repeat {
      skipBlanks()
      elements.append(try value(depth: depth + 1))
      skipBlanks()
    } while skip(",")
    guard skip("]") else { throw .malformed }
    return elements
  }

  private mutating func string() throws(JSONDocument.Failure) -> [UInt8] {
    var content: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return content
      case UInt8(ascii: "\\"): content += Array(String(try escape()).utf8)
      case ..<0x20: throw .malformed
      default: content.append(byte)
      }
    }
    throw .malformed
  }

  private mutating func escape() throws(JSONDocument.Failure) -> Unicode.Scalar {
    let plain: [UInt8: Unicode.Scalar] = [
      0x22: "\"", 0x5C: "\\", 0x2F: "/", 0x62: "\u{8}", 0x66: "\u{C}", 0x6E: "\n", 0x72: "\r",
      0x74: "\t",
    ]
    guard let letter = rest.popFirst() else { throw .malformed }
    if let scalar = plain[letter] { return scalar }
    guard letter == UInt8(ascii: "u") else { throw .malformed }
    let unit = try unit()
    var units = [unit]
    if UTF16.isLeadSurrogate(unit) {
      guard skip("\\"), skip("u") else { throw .malformed }
      units.append(try self.unit())
    }
    guard let text = String(validating: units, as: UTF16.self),
      let scalar = text.unicodeScalars.first
    else { throw .malformed }
    return scalar
  }

  private mutating func unit() throws(JSONDocument.Failure) -> UInt16 {
    let digits = rest.prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw .malformed }
    rest.removeFirst(4)
    return unit
  }

  private mutating func number() throws(JSONDocument.Failure) -> [UInt8] {
    let start = rest
    _ = skip("-")
    if !skip("0") { try digits() }
    if skip(".") { try digits() }
    if skip("e") || skip("E") {
      if !skip("+") { _ = skip("-") }
      try digits()
    }
    return Array(start.prefix(start.count - rest.count))
  }

  private mutating func digits() throws(JSONDocument.Failure) {
    let count = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }.count
    guard count > 0 else { throw .malformed }
    rest.removeFirst(count)
  }
}
