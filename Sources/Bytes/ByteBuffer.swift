/// Growable bytes with one owner: written at the end, read in place.
///
/// Appending is amortised O(1). A pointer handed out is valid until the next mutation.
/// Inlinable throughout: encoders in other modules append a few bytes at a time.
@usableFromInline
package struct ByteBuffer: ~Copyable {
  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var capacityBytes: Int
  @usableFromInline var countBytes: Int

  @inlinable
  package init(minimumCapacity: Int = 256) {
    capacityBytes = Swift.max(minimumCapacity, 16)
    base = UnsafeMutableRawPointer.allocate(byteCount: capacityBytes, alignment: 16)
    countBytes = 0
  }

  @inlinable
  deinit { base.deallocate() }

  /// Bytes written so far.
  @inlinable
  package var count: Int { countBytes }

  @inlinable
  package var capacity: Int { capacityBytes }

  @inlinable
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base, count: countBytes)
  }

  @inlinable
  package var mutableBytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base, count: countBytes)
  }

  /// Forgets the bytes and keeps the memory.
  @inlinable
  package mutating func removeAll() { countBytes = 0 }

  /// Forgets everything from `newCount` on, which must not be beyond the end.
  @inlinable
  package mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= countBytes, "truncated beyond the end")
    countBytes = newCount
  }

  /// Makes room for `additional` more bytes, so that appending them does not move the memory.
  @inlinable
  package mutating func reserve(_ additional: Int) {
    if capacityBytes &- countBytes < additional { grow(for: additional) }
  }

  // Out of line, so that what appends a few bytes stays small.
  @usableFromInline @inline(never)
  mutating func grow(for additional: Int) {
    precondition(additional >= 0)
    let needed = countBytes + additional
    let larger = Swift.max(needed, capacityBytes * 2)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    moved.copyMemory(from: base, byteCount: countBytes)
    base.deallocate()
    base = moved
    capacityBytes = larger
  }

  /// Appends `length` bytes whose values `fill` must set, all of them.
  @inlinable
  package mutating func appendUninitialized(
    _ length: Int, _ fill: (UnsafeMutableRawPointer) -> Void
  ) {
    reserve(length)
    fill(base + countBytes)
    countBytes &+= length
  }

  @inlinable
  package mutating func append(_ byte: UInt8) {
    reserve(1)
    base.storeBytes(of: byte, toByteOffset: countBytes, as: UInt8.self)
    countBytes += 1
  }

  @inlinable
  package mutating func append(_ source: UnsafeRawBufferPointer) {
    guard let start = source.baseAddress else { return }
    reserve(source.count)
    (base + countBytes).copyMemory(from: start, byteCount: source.count)
    countBytes += source.count
  }

  @inlinable
  package mutating func append(_ source: [UInt8]) {
    source.withUnsafeBytes { append($0) }
  }

  /// Appends the UTF-8 of a literal, without making a `String`.
  @inlinable
  package mutating func append(_ literal: StaticString) {
    append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  /// Appends the UTF-8 of `text`.
  @inlinable
  package mutating func append(utf8 text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Appends `value` in network byte order.
  @inlinable
  package mutating func append<Integer: FixedWidthInteger>(bigEndian value: Integer) {
    reserve(MemoryLayout<Integer>.size)
    base.storeBytes(of: value.bigEndian, toByteOffset: countBytes, as: Integer.self)
    countBytes += MemoryLayout<Integer>.size
  }

  /// Appends `value` in decimal digits.
  @inlinable
  package mutating func append(decimal value: UInt64) {
    // 20 digits hold 2^64 - 1.
    reserve(20)
    var digits = 1
    var limit: UInt64 = 10
    while digits < 20, value >= limit {
      digits += 1
      if digits < 20 { limit *= 10 }
    }
    var rest = value
    var at = countBytes + digits
    repeat {
      at -= 1
      base.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: at, as: UInt8.self)
      rest /= 10
    } while at > countBytes
    countBytes += digits
  }

  @inlinable
  package mutating func append(decimal value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(decimal: value.magnitude)
  }
}
