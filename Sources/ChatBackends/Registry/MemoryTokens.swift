internal import ChatProtocol
internal import Reactor

/// The users' token buckets.
///
/// A bucket is the moment at which it will be full. One that is full is the same as none.
struct MemoryTokens {
  /// Buckets from which on full ones are looked for.
  private static let bucketsSweptMin = 1_024

  private var fullAt: [UserID: Instant] = [:]
  /// Doubles with what a sweep leaves, so that sweeping costs each taking next to nothing.
  private var bucketsBeforeSweep = bucketsSweptMin

  var count: Int { fullAt.count }

  mutating func take(
    _ count: Int, of user: UserID, rate: Double, burst: Int, now: Instant
  ) -> (count: Int, wait: Int64) {
    let perToken = 1e9 / rate
    let missing = max(fullAt[user].map { Double(($0 - now).wholeNanoseconds) } ?? 0, 0)
    // A clock or a rate that was another before must not keep anybody waiting for longer.
    let debt = min(missing, perToken * Double(burst), Self.debtMax)
    let there = Double(burst) - debt / perToken
    let taken = max(min(count, Int(there)), 0)
    guard taken > 0 else {
      return (0, Int64(min(debt - perToken * Double(burst - 1), Self.debtMax)) + 1)
    }
    if fullAt[user] == nil { sweepIfFull(now: now) }
    let full = min(debt + perToken * Double(taken), Self.debtMax)
    fullAt[user] = now + .nanoseconds(Int64(full.rounded(.up)))
    return (taken, 0)
  }

  /// Thirty years, in nanoseconds.
  private static let debtMax = 1e18

  private mutating func sweepIfFull(now: Instant) {
    guard fullAt.count >= bucketsBeforeSweep else { return }
    fullAt = fullAt.filter { $0.value > now }
    bucketsBeforeSweep = max(fullAt.count * 2, Self.bucketsSweptMin)
  }
}
