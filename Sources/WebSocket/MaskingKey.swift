public import Bytes

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

  /// XORs `payload` in place; returns the unmasked bytes' high bits, 0 when all are ASCII.
  ///
  /// Words of eight bytes, which the compiler makes wider. One pass for both: the bytes are
  /// in registers already.
  @inlinable @discardableResult
  package func apply(to payload: UnsafeMutableRawBufferPointer) -> UInt64 {
    guard let base = payload.baseAddress else { return 0 }
    let word = UInt64(littleEndian) << 32 | UInt64(littleEndian)
    var seen: UInt64 = 0
    let words = payload.count & ~7
    var at = 0
    while at < words {
      let plain =
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self)) ^ word
      base.storeBytes(of: plain.littleEndian, toByteOffset: at, as: UInt64.self)
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
}
