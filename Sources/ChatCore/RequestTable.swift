/// The requests under way, each under a token that its reply brings back.
///
/// A token is a slot and the slot's generation, so a reply that comes twice, or to a token that
/// never was, finds nothing.
struct RequestTable<Request> {
  private struct Slot {
    var generation: UInt32
    var request: Request?
  }

  private var slots: [Slot] = []
  private var free: [UInt32] = []

  var count: Int { slots.count - free.count }

  mutating func insert(_ request: Request) -> UInt64 {
    if let index = free.popLast() {
      slots[Int(index)].request = request
      return UInt64(slots[Int(index)].generation) << 32 | UInt64(index)
    }
    slots.append(Slot(generation: 1, request: request))
    return 1 << 32 | UInt64(slots.count - 1)
  }

  /// All requests under way, in no order.
  var requests: some Sequence<Request> { slots.lazy.compactMap(\.request) }

  mutating func remove(_ token: UInt64) -> Request? {
    let index = Int(token & 0xFFFF_FFFF)
    guard index < slots.count, UInt64(slots[index].generation) == token >> 32,
      let request = slots[index].request.take()
    else { return nil }
    slots[index].generation &+= 1
    free.append(UInt32(index))
    return request
  }
}
