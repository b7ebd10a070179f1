internal import ChatCore
internal import ChatProtocol

/// Who is there, and who was.
struct MemoryPresences {
  private struct Place {
    var epoch: UInt64
    /// Its number in `hubs`.
    var hub: UInt32
    var state: PresenceState
  }

  /// Where a user is: one for each hub. The first is held in place, and mostly alone: an array
  /// for it would take 80 bytes more of each user.
  private struct Places {
    private var first: Place?
    private var others: [Place] = []

    var all: [Place] {
      get { first.map { [$0] + others } ?? others }
      set {
        first = newValue.first
        others = Array(newValue.dropFirst())
      }
    }

    mutating func set(_ place: Place) {
      if let former = all.first(where: { $0.hub == place.hub }), former.epoch > place.epoch {
        return
      }
      all = all.filter { $0.hub != place.hub } + (place.state == .offline ? [] : [place])
    }
  }

  private struct Entry {
    var places = Places()
    var seen: Timestamp
  }

  /// A sweep that would keep more users forgets all who are not there.
  static let usersKeptMax = 524_288
  /// Users from which on those who have been away for long are looked for.
  private static let usersSweptMin = 1_024

  private var users: [UserID: Entry] = [:]
  /// Those that ever told something: the event loops of a few processes.
  private var hubs: [HubKey] = []
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
    entry.places.set(Place(epoch: epoch, hub: number(of: hub), state: state))
    users[user] = entry
    return presence(of: user, leases: leases)
  }

  /// Forgets the places of ended leases, which here never come back.
  mutating func presence(of user: UserID, leases: [NodeID: UInt64]) -> Presence {
    guard let entry = users[user] else { return Presence(state: .offline) }
    let all = entry.places.all
    let live = all.filter { isLive($0, leases) }
    if live.count < all.count { users[user]?.places.all = live }
    return Presence(over: live.map(\.state), seen: entry.seen)
  }

  private func isLive(_ place: Place, _ leases: [NodeID: UInt64]) -> Bool {
    leases[hubs[Int(place.hub)].node] == place.epoch
  }

  private mutating func number(of hub: HubKey) -> UInt32 {
    if let index = hubs.firstIndex(of: hub) { return UInt32(index) }
    hubs.append(hub)
    return UInt32(hubs.count - 1)
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
      entry.seen >= time || entry.places.all.contains { isLive($0, leases) }
    }
  }
}
