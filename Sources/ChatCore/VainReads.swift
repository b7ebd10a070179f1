/// Reads of the store, one after the other, that did not bring what is known to be there.
struct VainReads {
  private(set) var count = 0
  /// Those that the store had an answer to. The others say nothing of what it has.
  private(set) var answered = 0

  mutating func note(_ result: StoreReply.Result) {
    count += 1
    if result != .unavailable { answered += 1 }
  }

  /// How long the next one waits.
  func pause(_ limits: HubLimits) -> Int64 {
    // Beyond so many the pause is the longest in any case.
    min(limits.holeDelay << Int64(min(count, 16)), limits.readPauseMax)
  }
}
