/// Reads of the store, one after the other, that did not bring what is known to be there.
struct VainReads {
  private(set) var count = 0
  /// Those that the store had an answer to, or could have had, because it answered another read
  /// meanwhile. The others say nothing of what it has.
  private(set) var answered = 0
  /// When the last one came back, or the first was asked for.
  private var latest: Int64 = 0

  mutating func begin(at now: Int64) {
    if count == 0 { latest = now }
  }

  /// - Parameter storeAnsweredAt: when the store last had an answer to a read.
  mutating func note(_ result: StoreReply.Result, storeAnsweredAt: Int64, at now: Int64) {
    defer { latest = now }
    count += 1
    if case .unavailable = result, storeAnsweredAt <= latest { return }
    answered += 1
  }

  /// How long the next one waits.
  func pause(_ limits: HubLimits) -> Int64 {
    // Beyond so many the pause is the longest in any case.
    min(limits.holeDelay << Int64(min(count, 16)), limits.readPauseMax)
  }
}
