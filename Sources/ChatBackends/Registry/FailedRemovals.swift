internal import ChatCore
internal import ChatProtocol

/// What could not be removed from Redis, to be removed when it is back: else it would live as long
/// as the lease. And the registrations that may yet be found when they are removed.
struct FailedRemovals {
  enum Removal: Hashable {
    case route(UserID, device: String, RouteOwner)
    case subscription(Topic, shard: Int)
    case presence(UserID, shard: Int)
  }

  /// Removals kept. Of one beyond, messages or signals go to this node in vain, or its user seems
  /// to be there, until the user or the node comes again.
  static let countMax = 65_536

  private struct Entry {
    /// From when on a user was not there.
    var time: Timestamp
    /// Removals and their contraries are numbered as they are asked for.
    var number: UInt64
  }

  private var entries: [Removal: Entry] = [:]
  private var number: UInt64 = 0
  /// Registrations that nobody heard of again: they may have been made, may be made late, or not at all.
  private var uncertain: Set<Removal> = []

  var count: Int { entries.count }

  /// The number of a removal or of its contrary that is asked for now.
  mutating func next() -> UInt64 {
    number += 1
    return number
  }

  mutating func insert(_ removal: Removal, number: UInt64, at time: Timestamp = 0) {
    guard entries.count < Self.countMax || entries[removal] != nil else { return }
    let former = entries[removal]
    entries[removal] = Entry(
      time: max(time, former?.time ?? time), number: max(number, former?.number ?? 0))
  }

  /// The contrary was asked for behind it.
  mutating func forget(_ removal: Removal, before number: UInt64) {
    if let entry = entries[removal], entry.number < number { entries[removal] = nil }
  }

  mutating func mayHaveBeenMade(_ registration: Removal) {
    if uncertain.count < Self.countMax { uncertain.insert(registration) }
  }

  /// It is known now, of this registration. Says whether it was not before.
  @discardableResult
  mutating func wasMade(_ registration: Removal) -> Bool {
    uncertain.remove(registration) != nil
  }

  mutating func takeAll() -> [(removal: Removal, time: Timestamp)] {
    defer { entries = [:] }
    return entries.map { ($0.key, $0.value.time) }
  }
}
