/// The requests under way, each under a token that its reply brings back.
///
/// A token is a slot and the slot's generation, so a reply that comes twice, or to a token that
/// never was, finds nothing. The table's tag is in it too: tables whose tags differ, 0 or 1, never
/// give the same token.
struct RequestTable<Request> {
  /// Slots kept when no request is under way any more.
  private static var slotsKept: Int { 256 }
  private static var indexMask: UInt64 { 0x7FFF_FFFF }

  private struct Slot {
    var generation: UInt32
    var request: Request?
  }

  private let tag: UInt64
  private var slots: ContiguousArray<Slot> = []
  private var free: ContiguousArray<UInt32> = []
  /// Of slots that are added; above that of every token given out for a slot that was let go.
  private var firstGeneration: UInt32 = 1

  init(tag: UInt64 = 0) {
    precondition(tag <= 1, "a tag has one bit")
    self.tag = tag << 31
  }

  var count: Int { slots.count - free.count }

  mutating func insert(_ request: consuming Request) -> UInt64 {
    if let index = free.popLast() {
      slots[Int(index)].request = request
      return UInt64(slots[Int(index)].generation) << 32 | tag | UInt64(index)
    }
    slots.append(Slot(generation: firstGeneration, request: request))
    return UInt64(firstGeneration) << 32 | tag | UInt64(slots.count - 1)
  }

  /// All requests under way, in no order.
  var requests: some Sequence<Request> { slots.lazy.compactMap(\.request) }

  mutating func remove(_ token: UInt64) -> Request? {
    let index = Int(token & Self.indexMask)
    guard token & (1 << 31) == tag, index < slots.count,
      UInt64(slots[index].generation) == token >> 32,
      let request = slots[index].request.take()
    else { return nil }
    slots[index].generation &+= 1
    free.append(UInt32(index))
    if free.count == slots.count, slots.count > Self.slotsKept { shrink() }
    return request
  }

  /// After a burst.
  private mutating func shrink() {
    firstGeneration = slots.reduce(firstGeneration) { max($0, $1.generation) }
    slots = []
    free = []
  }
}
