/// Says cheaply whether the keys of an object are certainly distinct.
///
/// Each key sets one of 64 bits; a bit that was set before asks for a comparison. No two fields
/// of chat.v1 share a bit, so honest frames are not compared.
@usableFromInline
struct KeyFilter {
  @usableFromInline var bits: UInt64 = 0

  @inlinable
  init() {}

  /// Whether `key` is certainly not one of those before it.
  @inlinable @inline(__always)
  mutating func insert(_ key: JSONValue, of scanner: JSONScanner) -> Bool {
    // A key has two quotes at least, so these are in range; an empty key gives its quotes.
    let quoted = scanner.raw(key)
    let slot = Self.slot(first: quoted[1], last: quoted[quoted.count - 2])
    let bit: UInt64 = 1 << slot
    defer { bits |= bit }
    return bits & bit == 0 && key.kind == .string
  }

  @inlinable
  static func slot(first: UInt8, last: UInt8) -> UInt64 {
    (UInt64(first) + UInt64(last) * 3) & 63
  }
}
