/// Why a text is not the JSON that this server takes.
@usableFromInline
package enum JSONError: Error, Sendable {
  case malformed
  case tooDeep
  case numberOutOfRange
  case duplicateKey
}

/// Where a value lies in the text, its quotes or brackets included.
///
/// Small, because a frame's fields are noted in an array of them.
@usableFromInline
package struct JSONValue {
  @usableFromInline
  package enum Kind: UInt8 {
    case absent, string, escapedString, number, object, array, bool, null
  }

  @usableFromInline let startOffset: UInt32
  @usableFromInline let endOffset: UInt32
  @usableFromInline package let kind: Kind

  @inlinable
  package init() {
    startOffset = 0
    endOffset = 0
    kind = .absent
  }

  /// The scanner keeps offsets below `JSONScanner.bytesMax`, so they fit.
  @inlinable
  package init(kind: Kind, start: Int, end: Int) {
    self.kind = kind
    startOffset = UInt32(truncatingIfNeeded: start)
    endOffset = UInt32(truncatingIfNeeded: end)
  }

  @inlinable package var start: Int { Int(startOffset) }
  @inlinable package var end: Int { Int(endOffset) }
  @inlinable package var count: Int { end - start }
  @inlinable package var isString: Bool { kind == .string || kind == .escapedString }
}

/// Walks over a JSON text (RFC 8259) in place, once, and checks every byte on its way.
///
/// UTF-8 is the caller's to check; other bytes only lead to strings with replacement characters.
/// Holds a pointer that must stay valid for as long as the scanner lives.
@usableFromInline
package struct JSONScanner {
  /// Objects and arrays within one another; the call stack is as deep.
  @inlinable package static var depthMax: Int { 32 }
  /// Of a longer text only so much is read, so it is malformed. Transports stop far below.
  @inlinable package static var bytesMax: Int { Int(Int32.max) }

  @usableFromInline let base: UnsafeRawPointer
  @usableFromInline package let count: Int
  @usableFromInline package var at = 0
  /// Some object may hold a key twice; a walk with `comparesKeys` tells.
  @usableFromInline var mayHoldDuplicateKeys = false
  /// Compares the keys of each object, which costs an allocation for each key.
  @usableFromInline var comparesKeys = false

  @inlinable
  package init(_ bytes: UnsafeRawBufferPointer) {
    base = bytes.baseAddress ?? UnsafeRawPointer(("" as StaticString).utf8Start)
    count = min(bytes.count, Self.bytesMax)
  }

  /// The byte at the cursor, or 0 at the end. A NUL is not valid anywhere in a JSON text, so the
  /// end needs no check of its own.
  @inlinable @inline(__always)
  package var current: UInt8 { at < count ? base.load(fromByteOffset: at, as: UInt8.self) : 0 }

  /// A part of the text, which must lie within it.
  @inlinable @inline(__always)
  package subscript(range: Range<Int>) -> UnsafeRawBufferPointer {
    assert(range.lowerBound >= 0 && range.upperBound <= count)
    return UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  /// The eight bytes at `offset`, the first one lowest; nil when there are not so many.
  @inlinable @inline(__always)
  package func word(at offset: Int) -> UInt64? {
    guard count - offset >= 8 else { return nil }
    return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inlinable @inline(__always)
  package mutating func skipWhitespace() {
    // Compact texts have none, so they pay for one comparison.
    if current <= UInt8(ascii: " ") { skipSpaces() }
  }

  @inlinable
  mutating func skipSpaces() {
    while true {
      switch current {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): at += 1
      default: return
      }
    }
  }

  /// Consumes `byte`, which must be at the cursor.
  @inlinable @inline(__always)
  package mutating func expect(_ byte: UInt8) throws(JSONError) {
    guard current == byte else { throw .malformed }
    at += 1
  }

  /// Consumes the value at the cursor, which lies within `depth` objects and arrays.
  @inlinable
  package mutating func value(depth: Int) throws(JSONError) -> JSONValue {
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
  @inlinable @inline(__always)
  package mutating func object(
    depth: Int, _ member: (inout JSONScanner, JSONValue) throws(JSONError) -> Void
  ) throws(JSONError) {
    guard depth < Self.depthMax else { throw .tooDeep }
    try expect(UInt8(ascii: "{"))
    skipWhitespace()
    if current == UInt8(ascii: "}") {
      at += 1
      return
    }
    var filter = KeyFilter()
    var keys: Set<[UInt8]>? = comparesKeys ? [] : nil
    while true {
      let key = try string()
      if !filter.insert(key, of: self) { mayHoldDuplicateKeys = true }
      if keys?.insert(withContent(of: key, Array.init)).inserted == false { throw .duplicateKey }
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
  }

  /// Consumes what may follow the text, and compares its keys if need be.
  @inlinable
  package mutating func finish() throws(JSONError) {
    skipWhitespace()
    guard at == count else { throw .malformed }
    guard mayHoldDuplicateKeys, !comparesKeys else { return }
    var again = JSONScanner(self[0..<count])
    again.comparesKeys = true
    again.skipWhitespace()
    _ = try again.value(depth: 0)
  }

  @inlinable
  mutating func array(depth: Int) throws(JSONError) {
    try array(depth: depth) { (scanner) throws(JSONError) in
      _ = try scanner.value(depth: depth + 1)
    }
  }

  /// Consumes an array whose elements lie at `depth` + 1; `element` consumes each of them.
  @inlinable
  package mutating func array(
    depth: Int, _ element: (inout JSONScanner) throws(JSONError) -> Void
  ) throws(JSONError) {
    guard depth < Self.depthMax else { throw .tooDeep }
    try expect(UInt8(ascii: "["))
    skipWhitespace()
    if current == UInt8(ascii: "]") {
      at += 1
      return
    }
    while true {
      try element(&self)
      skipWhitespace()
      if current == UInt8(ascii: "]") { break }
      try expect(UInt8(ascii: ","))
      skipWhitespace()
    }
    at += 1
  }

  /// Which of the two a bool is.
  @inlinable
  package func isTrue(_ bool: JSONValue) -> Bool { raw(bool).first == UInt8(ascii: "t") }

  @inlinable
  mutating func literal(_ text: StaticString) throws(JSONError) {
    for offset in 0..<text.utf8CodeUnitCount { try expect(text.utf8Start[offset]) }
  }
}
