public import Bytes
internal import CVector

/// The four bytes that a client's payload is XORed with; RFC 6455, section 5.3.
@usableFromInline
package struct MaskingKey: Sendable {
  /// The first byte is the lowest.
  @usableFromInline package var littleEndian: UInt32

  @inlinable
  package init(littleEndian: UInt32) { self.littleEndian = littleEndian }

  /// The key for the bytes behind the next `count` ones.
  @inlinable
  package func advanced(by count: Int) -> MaskingKey {
    let shift = UInt32(truncatingIfNeeded: count & 3) * 8
    return MaskingKey(littleEndian: littleEndian >> shift | littleEndian << ((32 - shift) & 31))
  }

  /// From so many bytes on the wider registers pay for the call: 512 bytes take 6 ns instead of 8,
  /// 16 KiB 108 instead of 224.
  @inlinable
  static var wideBytesMin: Int { 512 }

  /// XORs `payload` in place; of a text returns the unmasked bytes' high bits, 0 when all are ASCII.
  ///
  /// One pass for both: the bytes are in registers already. What is no text may give 0 too.
  @inlinable @inline(__always) @discardableResult
  package func apply(to payload: UnsafeMutableRawBufferPointer, isText: Bool = true) -> UInt64 {
    guard let base = payload.baseAddress else { return 0 }
    if payload.count >= Self.wideBytesMin { return applyWide(to: payload, isText: isText) }
    let word = (UInt64(littleEndian) << 32 | UInt64(littleEndian)).littleEndian
    let words = SIMD2(repeating: word)
    var seenWords = SIMD2<UInt64>.zero
    var at = 0
    while payload.count &- at >= 16 {
      let plain = base.loadUnaligned(fromByteOffset: at, as: SIMD2<UInt64>.self) ^ words
      (base + at).storeBytes(of: plain, as: SIMD2<UInt64>.self)
      seenWords |= plain
      at &+= 16
    }
    var seen = seenWords.x | seenWords.y
    if payload.count &- at >= 8 {
      let plain = base.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ word
      (base + at).storeBytes(of: plain, as: UInt64.self)
      seen |= plain
      at &+= 8
    }
    var key = littleEndian
    while at < payload.count {
      let plain =
        base.load(fromByteOffset: at, as: UInt8.self) ^ UInt8(truncatingIfNeeded: key)
      base.storeBytes(of: plain, toByteOffset: at, as: UInt8.self)
      seen |= UInt64(plain)
      key = key >> 8 | key << 24
      at &+= 1
    }
    return seen & ASCII.highBits
  }

  @usableFromInline
  func applyWide(to payload: UnsafeMutableRawBufferPointer, isText: Bool) -> UInt64 {
    let word = (UInt64(littleEndian) << 32 | UInt64(littleEndian)).littleEndian
    let wideBytes = payload.count & ~7
    var seen: UInt64 = 0
    if isText {
      seen = cvector_xor_seen(payload.baseAddress, wideBytes, word)
    } else {
      cvector_xor(payload.baseAddress, wideBytes, word)
    }
    // Fewer than eight bytes are left, for which the key begins anew.
    let rest = UnsafeMutableRawBufferPointer(rebasing: payload[wideBytes...])
    return seen & ASCII.highBits | apply(to: rest, isText: isText)
  }
}
