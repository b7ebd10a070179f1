/// Checks text that arrives in pieces against RFC 3629, one pass, no copy.
///
/// A wrong byte is reported where it makes the text wrong for certain, also in the middle of a
/// character: `F4 90` fails at its second byte, whatever would have followed.
@usableFromInline
package struct UTF8Validator: Sendable {
  /// Continuation bytes that the character begun last still lacks.
  @usableFromInline var continuationsDue: UInt8
  /// Bounds of the next continuation byte; narrower than 80...BF after E0, ED, F0 and F4.
  @usableFromInline var lowest: UInt8
  @usableFromInline var highest: UInt8

  @inlinable
  package init() {
    continuationsDue = 0
    lowest = 0x80
    highest = 0xBF
  }

  /// Whether the text so far ends at the end of a character.
  @inlinable
  package var isComplete: Bool { continuationsDue == 0 }

  /// Takes the next piece; false when no text can begin with what was taken so far.
  ///
  /// Whole characters are taken in one step. Byte by byte goes what such a step refuses: a
  /// character that the piece's edge cuts, or one that is wrong.
  @inlinable
  package mutating func accept(_ piece: UnsafeRawBufferPointer) -> Bool {
    guard let base = piece.baseAddress else { return true }
    let end = piece.count
    var at = 0
    while at < end {
      if continuationsDue == 0 {
        at = Self.skipASCII(base, from: at, to: end)
        at = Self.skipCharacters(base, from: at, to: end)
        if at == end { return true }
      }
      guard accept(base.load(fromByteOffset: at, as: UInt8.self)) else { return false }
      at += 1
    }
    return true
  }

  /// Whether `text` is valid and complete.
  @inlinable
  package static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
    var validator = UTF8Validator()
    return validator.accept(text) && validator.isComplete
  }

  /// The first position from `start` on that holds no ASCII byte, or `end`.
  @inlinable
  static func skipASCII(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int {
    var at = start
    while end - at >= 32 {
      let words =
        base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        | base.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self)
        | base.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self)
        | base.loadUnaligned(fromByteOffset: at + 24, as: UInt64.self)
      if words & ASCII.highBits != 0 { break }
      at += 32
    }
    while end - at >= 8 {
      let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      let high = word & ASCII.highBits
      if high != 0 { return at + high.trailingZeroBitCount / 8 }
      at += 8
    }
    while at < end, base.load(fromByteOffset: at, as: UInt8.self) < 0x80 { at += 1 }
    return at
  }

  /// Skips whole characters of two to four bytes; stops at ASCII and at what is no such
  /// character.
  @inlinable
  static func skipCharacters(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int {
    var at = start
    while end - at >= 2 {
      let first = base.load(fromByteOffset: at, as: UInt8.self)
      let pair = UInt16(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt16.self))
      if pair & 0xC0E0 == 0x80C0 {
        guard first >= 0xC2 else { return at }
        at += 2
      } else if pair & 0xC0F0 == 0x80E0, end - at >= 3 {
        let third = base.load(fromByteOffset: at + 2, as: UInt8.self)
        let value = UInt32(pair & 0x0F) << 12 | UInt32(pair >> 8 & 0x3F) << 6
        guard third & 0xC0 == 0x80, value >= 0x800, value & 0xF800 != 0xD800 else { return at }
        at += 3
      } else if pair & 0xC0F8 == 0x80F0, end - at >= 4 {
        let rest = base.loadUnaligned(fromByteOffset: at + 2, as: UInt16.self)
        let value = UInt32(pair & 0x07) << 18 | UInt32(pair >> 8 & 0x3F) << 12
        guard rest & 0xC0C0 == 0x8080, value >= 0x1_0000, value <= 0x10_FFFF else { return at }
        at += 4
      } else {
        return at
      }
    }
    return at
  }

  /// Takes one byte; RFC 3629, section 4, row by row.
  @inlinable
  mutating func accept(_ byte: UInt8) -> Bool {
    if continuationsDue > 0 {
      guard byte >= lowest, byte <= highest else { return false }
      continuationsDue -= 1
      lowest = 0x80
      highest = 0xBF
      return true
    }
    switch byte {
    case 0x00...0x7F: return true
    case 0xC2...0xDF: continuationsDue = 1
    case 0xE0...0xEF:
      continuationsDue = 2
      // No overlong forms (E0), no surrogates (ED).
      if byte == 0xE0 { lowest = 0xA0 }
      if byte == 0xED { highest = 0x9F }
    case 0xF0...0xF4:
      continuationsDue = 3
      // No overlong forms (F0), nothing beyond U+10FFFF (F4).
      if byte == 0xF0 { lowest = 0x90 }
      if byte == 0xF4 { highest = 0x8F }
    default: return false
    }
    return true
  }
}
