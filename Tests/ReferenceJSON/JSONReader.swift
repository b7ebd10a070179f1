/// Reads a text that is UTF-8, from its first byte to its last.
struct JSONReader {
  private let text: [UInt8]
  private var at = 0

  init(text: [UInt8]) { self.text = text }

  private var malformed: JSONText.Failure {
    .init(description: "no JSON at byte \(at)")
  }

  mutating func document() throws(JSONText.Failure) -> JSONText {
    let document = try value(depth: 0)
    skipBlanks()
    guard at == text.count else { throw malformed }
    return document
  }

  private mutating func value(depth: Int) throws(JSONText.Failure) -> JSONText {
    guard depth <= JSONText.depthMax else { throw .init(description: "nested too deep") }
    skipBlanks()
    let start = at
    let value = try content(depth: depth)
    return JSONText(value: value, raw: text[start..<at])
  }

  private mutating func content(depth: Int) throws(JSONText.Failure) -> JSONText.Value {
    if skip("\"") { return .string(try string()) }
    if skip("{") { return .object(try members(depth: depth)) }
    if skip("[") { return .array(try elements(depth: depth)) }
    if skip(word: "null") { return .null }
    if skip(word: "true") { return .bool(true) }
    if skip(word: "false") { return .bool(false) }
    return .number(try number())
  }

  private mutating func members(depth: Int) throws(JSONText.Failure) -> [JSONText.Member] {
    var members: [JSONText.Member] = []
    skipBlanks()
    if skip("}") { return members }
    repeat {
      skipBlanks()
      guard skip("\"") else { throw malformed }
      let key = try string()
      skipBlanks()
      guard skip(":") else { throw malformed }
      members.append(.init(key: key, value: try value(depth: depth + 1)))
      skipBlanks()
    } while skip(",")
    guard skip("}") else { throw malformed }
    return members
  }

  private mutating func elements(depth: Int) throws(JSONText.Failure) -> [JSONText] {
    var elements: [JSONText] = []
    skipBlanks()
    if skip("]") { return elements }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipBlanks()
    } while skip(",")
    guard skip("]") else { throw malformed }
    return elements
  }

  // MARK: - Strings

  private mutating func string() throws(JSONText.Failure) -> ArraySlice<UInt8> {
    let start = at
    while at < text.count, text[at] >= 0x20, text[at] != UInt8(ascii: "\\") {
      if skip("\"") { return text[start..<at - 1] }
      at += 1
    }
    // With escapes, of which there are few.
    var content = text[start..<at]
    while at < text.count, text[at] >= 0x20 {
      if skip("\"") { return content }
      if skip("\\") {
        content += Array(String(try escape()).utf8)
      } else {
        content.append(text[at])
        at += 1
      }
    }
    throw malformed
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
    let digits = text[at..<min(at + 4, text.count)]
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw malformed }
    at += 4
    return unit
  }

  // MARK: - Numbers

  private mutating func number() throws(JSONText.Failure) -> ArraySlice<UInt8> {
    let start = at
    _ = skip("-")
    if !skip("0") { try digits() }
    if skip(".") { try digits() }
    if skip("e") || skip("E") {
      if !skip("+") { _ = skip("-") }
      try digits()
    }
    return text[start..<at]
  }

  private mutating func digits() throws(JSONText.Failure) {
    let start = at
    while at < text.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= text[at] { at += 1 }
    guard at > start else { throw malformed }
  }

  // MARK: - Bytes

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
