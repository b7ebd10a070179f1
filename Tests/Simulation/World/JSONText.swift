/// A JSON text as a client reads it, by a reader of RFC 8259 that shares nothing with the server's.
///
/// Takes nothing but what the RFC does, and no object with a key twice.
struct JSONText {
  enum Value {
    case null
    case bool(Bool)
    /// As it was written.
    case number
    case string(String)
    case array([JSONText])
    case object([(key: String, value: JSONText)])
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let value: Value
  /// As it was written.
  let raw: ArraySlice<UInt8>

  init(_ text: [UInt8]) throws(Failure) {
    var reader = JSONReader(text: text)
    self = try reader.value()
    try reader.end()
  }

  fileprivate init(value: Value, raw: ArraySlice<UInt8>) {
    self.value = value
    self.raw = raw
  }

  /// The member of that name, if there is one.
  subscript(key: String) -> JSONText? {
    guard case .object(let members) = value else { return nil }
    return members.first { $0.key == key }?.value
  }

  func member(_ key: String) throws(Failure) -> JSONText {
    guard let member = self[key] else { throw Failure(description: "there is no \(key)") }
    return member
  }

  func string() throws(Failure) -> String {
    guard case .string(let text) = value else { throw wrong("a string") }
    return text
  }

  func bool() throws(Failure) -> Bool {
    guard case .bool(let bool) = value else { throw wrong("true or false") }
    return bool
  }

  func number<Integer: FixedWidthInteger>(_: Integer.Type = Integer.self) throws(Failure) -> Integer
  {
    guard case .number = value, let number = Integer(String(decoding: raw, as: UTF8.self)) else {
      throw wrong("a number")
    }
    return number
  }

  func array<Element>(
    _ element: (JSONText) throws(Failure) -> Element
  ) throws(Failure) -> [Element] {
    guard case .array(let elements) = value else { throw wrong("a list") }
    var read: [Element] = []
    for each in elements { read.append(try element(each)) }
    return read
  }

  func wrong(_ expected: String) -> Failure {
    Failure(description: "\(String(decoding: raw, as: UTF8.self)) is not \(expected)")
  }
}

private struct JSONReader {
  let text: [UInt8]
  private var at = 0

  init(text: [UInt8]) { self.text = text }

  private var malformed: JSONText.Failure {
    .init(description: "no JSON at byte \(at)")
  }

  mutating func end() throws(JSONText.Failure) {
    skipBlanks()
    guard at == text.count else { throw malformed }
  }

  mutating func value() throws(JSONText.Failure) -> JSONText {
    skipBlanks()
    let start = at
    let value = try content()
    return JSONText(value: value, raw: text[start..<at])
  }

  private mutating func content() throws(JSONText.Failure) -> JSONText.Value {
    if skip("\"") { return .string(try string()) }
    if skip("{") { return .object(try members()) }
    if skip("[") { return .array(try elements()) }
    guard at < text.count, UInt8(ascii: "a")...UInt8(ascii: "z") ~= text[at] else {
      try number()
      return .number
    }
    if skip(word: "null") { return .null }
    if skip(word: "true") { return .bool(true) }
    if skip(word: "false") { return .bool(false) }
    throw malformed
  }

  private mutating func members() throws(JSONText.Failure) -> [(key: String, value: JSONText)] {
    var members: [(key: String, value: JSONText)] = []
    skipBlanks()
    if skip("}") { return members }
    repeat {
      skipBlanks()
      guard skip("\"") else { throw malformed }
      let key = try string()
      skipBlanks()
      guard !members.contains(where: { $0.key == key }), skip(":") else { throw malformed }
      members.append((key, try value()))
      skipBlanks()
    } while skip(",")
    guard skip("}") else { throw malformed }
    return members
  }

  private mutating func elements() throws(JSONText.Failure) -> [JSONText] {
    var elements: [JSONText] = []
    skipBlanks()
    if skip("]") { return elements }
    repeat {
      elements.append(try value())
      skipBlanks()
    } while skip(",")
    guard skip("]") else { throw malformed }
    return elements
  }

  private mutating func string() throws(JSONText.Failure) -> String {
    let start = at
    while at < text.count, text[at] >= 0x20, text[at] != UInt8(ascii: "\\") {
      at += 1
      guard text[at - 1] == UInt8(ascii: "\"") else { continue }
      return try checked(text[start..<at - 1])
    }
    // With escapes, of which there are few.
    var content = Array(text[start..<at])
    while at < text.count, text[at] >= 0x20 {
      if skip("\"") { return try checked(content[...]) }
      guard skip("\\") else {
        content.append(text[at])
        at += 1
        continue
      }
      content += Array(String(try escape()).utf8)
    }
    throw malformed
  }

  private func checked(_ content: ArraySlice<UInt8>) throws(JSONText.Failure) -> String {
    guard let string = String(validating: content, as: UTF8.self) else { throw malformed }
    return string
  }

  private mutating func escape() throws(JSONText.Failure) -> Unicode.Scalar {
    let plain: [(letter: Unicode.Scalar, meant: Unicode.Scalar)] = [
      ("\"", "\""), ("\\", "\\"), ("/", "/"), ("b", "\u{8}"), ("f", "\u{C}"), ("n", "\n"),
      ("r", "\r"), ("t", "\t"),
    ]
    for (letter, meant) in plain where skip(letter) { return meant }
    guard skip("u") else { throw malformed }
    var units = [try unit()]
    if UTF16.isLeadSurrogate(units[0]), skip(word: "\\u") { units.append(try unit()) }
    guard let scalar = String(validating: units, as: UTF16.self)?.unicodeScalars.first else {
      throw malformed
    }
    return scalar
  }

  private mutating func unit() throws(JSONText.Failure) -> UInt16 {
    let digits = String(decoding: text[at..<min(at + 4, text.count)], as: UTF8.self)
    guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit),
      let unit = UInt16(digits, radix: 16)
    else { throw malformed }
    at += 4
    return unit
  }

  private mutating func number() throws(JSONText.Failure) {
    _ = skip("-")
    if !skip("0") { try digits() }
    if skip(".") { try digits() }
    if skip("e") || skip("E") {
      if !skip("+") { _ = skip("-") }
      try digits()
    }
  }

  private mutating func digits() throws(JSONText.Failure) {
    let start = at
    while at < text.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= text[at] { at += 1 }
    guard at > start else { throw malformed }
  }

  private mutating func skipBlanks() {
    while skip(" ") || skip("\t") || skip("\n") || skip("\r") {}
  }

  private mutating func skip(_ ascii: Unicode.Scalar) -> Bool {
    guard at < text.count, text[at] == ascii.value else { return false }
    at += 1
    return true
  }

  private mutating func skip(word: String) -> Bool {
    guard text[at...].starts(with: word.utf8) else { return false }
    at += word.utf8.count
    return true
  }
}
