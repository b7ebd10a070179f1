/// At most 8 bytes without NUL as one word, so that comparing them with a literal is one
/// instruction: the first byte is the lowest.
struct ShortText: Equatable, ExpressibleByStringLiteral {
  static let bytesMax = 8

  private var word: UInt64

  /// The bytes from `start` up to `end`, which lie within `bytes`; nil if there are too many.
  @inline(__always)
  init?(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
    let count = end - start
    guard count <= Self.bytesMax else { return nil }
    if start <= bytes.count - 8 {
      let loaded = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
      word = UInt64(littleEndian: loaded) & (count == 8 ? .max : (1 << UInt64(count * 8)) - 1)
    } else {
      word = 0
      for offset in 0..<count { word |= UInt64(bytes[start + offset]) &<< UInt64(offset * 8) }
    }
  }

  /// Folded to a constant by the optimiser.
  @inline(__always)
  init(stringLiteral literal: StaticString) {
    word = 0
    for offset in 0..<literal.utf8CodeUnitCount {
      word |= UInt64(literal.utf8Start[offset]) &<< UInt64(truncatingIfNeeded: offset &* 8)
    }
  }
}
