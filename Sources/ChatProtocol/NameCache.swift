/// Names that frames brought lately, so that one that comes with each message is allocated once.
///
/// For names that are too long for a `String` to hold in place; each loop has a cache of its own.
/// At most `slotCount` names are kept, each in the slot that its ends say.
package struct NameCache {
  static let slotCount = 256
  /// Bytes that a `String` holds without an allocation.
  static let inPlaceBytesMax = 15

  /// Empty until the first long name.
  private var slots: [String] = []

  package init() {}

  mutating func name(_ utf8: UnsafeRawBufferPointer) -> String {
    guard utf8.count > Self.inPlaceBytesMax else { return String(decoding: utf8, as: UTF8.self) }
    if slots.isEmpty { slots = Array(repeating: "", count: Self.slotCount) }
    let slot = Self.slot(of: utf8)
    if Self.holds(slots[slot], utf8) { return slots[slot] }
    let name = String(decoding: utf8, as: UTF8.self)
    slots[slot] = name
    return name
  }

  private static func holds(_ name: String, _ utf8: UnsafeRawBufferPointer) -> Bool {
    name.utf8.withContiguousStorageIfAvailable { $0.elementsEqual(utf8) } ?? false
  }

  /// From the first eight bytes and the last eight, which may overlap.
  private static func slot(of utf8: UnsafeRawBufferPointer) -> Int {
    let first = utf8.loadUnaligned(as: UInt64.self)
    let last = utf8.loadUnaligned(fromByteOffset: utf8.count - 8, as: UInt64.self)
    // The high bits of a product depend on all bits of its factors.
    let mixed = (first ^ (last << 23 | last >> 41)) &* 0x9E37_79B9_7F4A_7C15
    return Int(mixed >> 56)
  }
}
