import ChatCore
package import Forwarding

/// The addresses of a loop's clients, each once, and how much each of them has: connections, or
/// whatever else the owner of the table counts.
///
/// An address stays as long as something is counted for it. Who is counted is the subscriber: an
/// IPv4 address, or the 64-bit network of an IPv6 one, of which a single machine may use all
/// addresses. Those who are exempt from the limit are counted apart and by their whole address, so
/// that they take nothing from their neighbours in the network and give them nothing.
package struct AddressTable {
  /// An address's place in the table: 4 bytes where the address has 16.
  package struct Place: Equatable, Sendable {
    fileprivate let index: UInt32
  }

  private struct Client: Hashable {
    let address: IPAddress
    let isExempt: Bool

    init(_ address: IPAddress, isExempt: Bool) {
      self.address = isExempt ? address : address.subscriber
      self.isExempt = isExempt
    }
  }

  private struct Slot {
    var client: Client
    /// 0: the slot is free.
    var count: UInt32
  }

  private var slots: [Slot] = []
  private var free: [UInt32] = []
  private var indices: [Client: UInt32] = [:]

  package init() {}

  /// Counts one more for the address, to be given back with `remove(_:)`; nil when it has
  /// `countMax` already.
  ///
  /// - Parameter countMax: nil for an address that is exempt.
  package mutating func add(_ address: IPAddress, countMax: Int?) -> Place? {
    let client = Client(address, isExempt: countMax == nil)
    let countMax = countMax ?? .max
    if let index = indices[client] {
      let count = slots[Int(index)].count
      guard count < countMax, count < .max else { return nil }
      slots[Int(index)].count = count + 1
      return Place(index: index)
    }
    guard countMax > 0 else { return nil }
    let index = takeSlot(Slot(client: client, count: 1))
    indices[client] = index
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
    indices[slot.client] = nil
    indices.shrinkIfSparse()
    free.append(place.index)
  }

  /// Who is counted there: a subscriber, or one address that is exempt.
  package subscript(place: Place) -> IPAddress { slots[Int(place.index)].client.address }

  package func isExempt(_ place: Place) -> Bool { slots[Int(place.index)].client.isExempt }

  /// Whether what is counted there is counted for the address.
  package func isCounted(_ address: IPAddress, isExempt: Bool, at place: Place) -> Bool {
    slots[Int(place.index)].client == Client(address, isExempt: isExempt)
  }

  /// How much is counted for the address, exempt or not.
  package func count(of address: IPAddress) -> Int {
    [true, false].reduce(0) { sum, isExempt in
      let index = indices[Client(address, isExempt: isExempt)]
      return sum + (index.map { Int(slots[Int($0)].count) } ?? 0)
    }
  }

  /// Addresses in the table.
  package var addressCount: Int { indices.count }
}
