internal import ChatCore
internal import ChatProtocol

/// Who is there, and who was.
struct MemoryPresences {
  private struct Place {
    var hub: HubKey
    var epoch: UInt64
    var state: PresenceState

    func isLive(_ leases: [NodeID: UInt64]) -> Bool { leases[hub.node] == epoch }
  }

  private struct Entry {
    /// One for each hub: a few at most, for which a dictionary would take twice the memory.
    var places: [Place] = []
    var seen: Timestamp

    mutating func set(_ place: Place) {
      let index = places.firstIndex { $0.hub == place.hub }
      if let index, places[index].epoch > place.epoch { return }
      if let index { places.remove(at: index) }
      if place.state != .offline { places.append(place) }
    }
  }

  /// A sweep that would keep more users forgets all who are not there.
  static let usersKeptMax = 524_288
  /// Users from which on those who have been away for long are looked for.
  private static let usersSweptMin = 1_024

  private var users: [UserID: Entry] = [:]
  /// Doubles with what a sweep leaves, so that sweeping costs each change next to nothing.
  private var usersBeforeSweep = usersSweptMin

  var count: Int { users.count }

  mutating func set(
    _ state: PresenceState, of user: UserID, on hub: HubKey, epoch: UInt64, at time: Timestamp,
    leases: [NodeID: UInt64]
  ) -> Presence {
    if users[user] == nil { sweepIfFull(at: time, leases: leases) }
    var entry = users[user] ?? Entry(seen: time)
    entry.seen = max(entry.seen, time)
    entry.set(Place(hub: hub, epoch: epoch, state: state))
    users[user] = entry
    return presence(of: user, leases: leases)
  }

  /// Forgets the places of ended leases, which here never come back.
  mutating func presence(of user: UserID, leases: [NodeID: UInt64]) -> Presence {
    guard let entry = users[user] else { return Presence(state: .offline) }
    let live = entry.places.filter { $0.isLive(leases) }
    if live.count < entry.places.count { users[user]?.places = live }
    return Presence(over: live.map(\.state), seen: entry.seen)
  }

  private mutating func sweepIfFull(at time: Timestamp, leases: [NodeID: UInt64]) {
    guard users.count >= usersBeforeSweep else { return }
    let kept = time - RegistryRequest.lastSeenTime.components.seconds * 1_000
    forgetAbsent(seenBefore: kept, leases: leases)
    if users.count > Self.usersKeptMax { forgetAbsent(seenBefore: .max, leases: leases) }
    usersBeforeSweep = max(users.count * 2, Self.usersSweptMin)
  }

  private mutating func forgetAbsent(seenBefore time: Timestamp, leases: [NodeID: UInt64]) {
    users = users.filter { _, entry in
      entry.seen >= time || entry.places.contains { $0.isLive(leases) }
    }
  }
}
