import JSON

/// At most 8 bytes without NUL as one word, so that comparing them with a literal is one
/// instruction: the first byte is the lowest.
struct ShortText: Equatable, ExpressibleByStringLiteral {
  static let bytesMax = 8

  private var word: UInt64

  /// The lowest `count` bytes of a word, at most 8.
  @inline(__always)
  init(_ word: UInt64, count: Int) {
    self.word = count == 8 ? word : word & ((1 &<< UInt64(truncatingIfNeeded: count &* 8)) - 1)
  }

  /// Nil if there are too many.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count <= Self.bytesMax else { return nil }
    word = 0
    for byte in bytes.reversed() { word = word << 8 | UInt64(byte) }
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

extension JSONScanner {
  /// What a string means as a `ShortText`; nil if it is longer.
  @inline(__always)
  func shortText(of string: JSONValue) -> ShortText? {
    let length = string.count - 2
    if string.kind == .string, length <= ShortText.bytesMax, let word = word(at: string.start + 1) {
      return ShortText(word, count: length)
    }
    return withContent(of: string) { ShortText($0) }
  }
}
