import ChatCore
package import Forwarding

/// The addresses of a loop's clients, each once, and how much each of them has: connections, or
/// whatever else the owner of the table counts.
///
/// An address stays as long as something is counted for it. Who is counted is the subscriber: an
/// IPv4 address, or the 64-bit network of an IPv6 one, of which a single machine may use all
/// addresses.
package struct AddressTable {
  /// An address's place in the table: 4 bytes where the address has 16.
  package struct Place: Equatable, Sendable {
    fileprivate let index: UInt32
  }

  private struct Slot {
    var subscriber: IPAddress
    /// 0: the slot is free.
    var count: UInt32
  }

  private var slots: [Slot] = []
  private var free: [UInt32] = []
  private var indices: [IPAddress: UInt32] = [:]

  package init() {}

  /// Counts one more for the address, to be given back with `remove(_:)`; nil when it has
  /// `countMax` already.
  package mutating func add(_ address: IPAddress, countMax: Int = .max) -> Place? {
    let subscriber = address.subscriber
    if let index = indices[subscriber] {
      let count = slots[Int(index)].count
      guard count < countMax, count < .max else { return nil }
      slots[Int(index)].count = count + 1
      return Place(index: index)
    }
    guard countMax > 0 else { return nil }
    let index = takeSlot(Slot(subscriber: subscriber, count: 1))
    indices[subscriber] = index
    return Place(index: index)
  }

  private mutating func takeSlot(_ slot: Slot) -> UInt32 {
    if let index = free.popLast() {
      slots[Int(index)] = slot
      return index
    }
    slots.append(slot)
    return UInt32(slots.count - 1)
  }

  package mutating func remove(_ place: Place) {
    let slot = slots[Int(place.index)]
    precondition(slot.count > 0, "removed once more than added")
    slots[Int(place.index)].count = slot.count - 1
    guard slot.count == 1 else { return }
    indices[slot.subscriber] = nil
    indices.shrinkIfSparse()
    free.append(place.index)
  }

  /// The subscriber who is counted there.
  package subscript(place: Place) -> IPAddress { slots[Int(place.index)].subscriber }

  /// How much is counted for the address.
  package func count(of address: IPAddress) -> Int {
    indices[address.subscriber].map { Int(slots[Int($0)].count) } ?? 0
  }

  /// Addresses in the table.
  package var addressCount: Int { indices.count }
}
