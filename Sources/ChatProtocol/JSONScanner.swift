/// Why a text is not the JSON that this server takes.
enum JSONError: Error {
  case malformed
  case tooDeep
  case numberOutOfRange
  case duplicateKey
}

/// Where a value lies in the text, its quotes or brackets included.
struct JSONValue {
  enum Kind: UInt8 {
    case absent, string, escapedString, number, object, array, bool, null
  }

  var kind = Kind.absent
  var start = 0
  var end = 0

  var count: Int { end - start }
}

/// Walks over a JSON text (RFC 8259) in place, once, and checks every byte on its way.
///
/// UTF-8 is the caller's to check; other bytes only lead to strings with replacement characters.
/// Holds a pointer that must stay valid for as long as the scanner lives.
struct JSONScanner {
  /// Objects and arrays within one another; the call stack is as deep.
  static let depthMax = 32

  let bytes: UnsafeRawBufferPointer
  var at: Int
  /// Off while an object's keys are compared, so that nested objects are not compared again.
  var checksKeys = true

  init(_ bytes: UnsafeRawBufferPointer, at: Int = 0) {
    self.bytes = bytes
    self.at = at
  }

  /// The byte at the cursor, or 0 at the end. A NUL is not valid anywhere in a JSON text, so the
  /// end needs no check of its own.
  var current: UInt8 { at < bytes.count ? bytes[at] : 0 }

  mutating func skipWhitespace() {
    while true {
      switch current {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): at += 1
      default: return
      }
    }
  }

  /// Consumes `byte`, which must be at the cursor.
  mutating func expect(_ byte: UInt8) throws(JSONError) {
    guard current == byte else { throw .malformed }
    at += 1
  }

  /// Consumes the value at the cursor, which lies within `depth` objects and arrays.
  mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    let start = at
    let kind: JSONValue.Kind
    switch current {
    case UInt8(ascii: "\""):
      return try string()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      try number()
      kind = .number
    case UInt8(ascii: "{"):
      try object(depth: depth) { (scanner, _) throws(JSONError) in
        _ = try scanner.value(depth: depth + 1)
      }
      kind = .object
    case UInt8(ascii: "["):
      try array(depth: depth)
      kind = .array
    case UInt8(ascii: "t"):
      try literal("true")
      kind = .bool
    case UInt8(ascii: "f"):
      try literal("false")
      kind = .bool
    case UInt8(ascii: "n"):
      try literal("null")
      kind = .null
    default:
      throw .malformed
    }
    return JSONValue(kind: kind, start: start, end: at)
  }

  /// Consumes the object at the cursor. `member` is called for each key with the cursor before the
  /// value, and consumes the value.
  @inline(__always)
  mutating func object(
    depth: Int, _ member: (inout JSONScanner, JSONValue) throws(JSONError) -> Void
  ) throws(JSONError) {
    guard depth < Self.depthMax else { throw .tooDeep }
    let start = at
    try expect(UInt8(ascii: "{"))
    skipWhitespace()
    if current == UInt8(ascii: "}") {
      at += 1
      return
    }
    var keys = KeyFilter()
    while true {
      let key = try string()
      keys.insert(key, of: self)
      skipWhitespace()
      try expect(UInt8(ascii: ":"))
      skipWhitespace()
      try member(&self, key)
      skipWhitespace()
      if current == UInt8(ascii: "}") { break }
      try expect(UInt8(ascii: ","))
      skipWhitespace()
    }
    at += 1
    if checksKeys, keys.mayHoldDuplicates { try requireDistinctKeys(ofObjectAt: start) }
  }

  private mutating func array(depth: Int) throws(JSONError) {
    guard depth < Self.depthMax else { throw .tooDeep }
    try expect(UInt8(ascii: "["))
    skipWhitespace()
    if current == UInt8(ascii: "]") {
      at += 1
      return
    }
    while true {
      _ = try value(depth: depth + 1)
      skipWhitespace()
      if current == UInt8(ascii: "]") { break }
      try expect(UInt8(ascii: ","))
      skipWhitespace()
    }
    at += 1
  }

  private mutating func literal(_ text: StaticString) throws(JSONError) {
    for offset in 0..<text.utf8CodeUnitCount { try expect(text.utf8Start[offset]) }
  }
}
