import Reactor

/// When a STOMP session has to send a heart-beat, and when it has waited long enough.
struct STOMPTiming {
  enum Due {
    /// Nothing was sent for so long that a heart-beat is due.
    case beat
    /// Nothing came for too long.
    case silent
    /// A frame was begun too long ago.
    case unfinished
  }

  /// The frame that is begun, if one is.
  private enum UnfinishedFrame {
    case none
    case due(at: Instant)
    /// The client is not read, which is no time of the frame's.
    case paused(left: Duration)
  }

  /// From a frame's first byte to its last.
  private let frameTime: Duration
  /// Between two beats of ours, and the longest silence of the client's; nil: none agreed.
  private var beatTime: Duration?
  private var silenceMax: Duration?
  private var lastSent = Instant.distantFuture
  private var lastReceived = Instant.distantFuture
  private var isReading = true
  private var unfinished = UnfinishedFrame.none

  init(frameTime: Duration) { self.frameTime = frameTime }

  /// - Parameters: `outgoing` and `incoming` in milliseconds.
  mutating func agree(outgoing: Int?, incoming: Int?, _ silenceFactor: Int, at now: Instant) {
    // A little early, so that what is on its way is not late.
    beatTime = outgoing.map { .milliseconds($0 - $0 / 4) }
    silenceMax = incoming.map { .milliseconds($0 * silenceFactor) }
    lastSent = now
    lastReceived = now
  }

  mutating func sent(at now: Instant) { lastSent = now }

  mutating func received(at now: Instant) { lastReceived = now }

  /// A client that is not read cannot be heard, nor finish its frame, whose time goes on from where
  /// it stood.
  mutating func setReading(_ isReading: Bool, at now: Instant) {
    self.isReading = isReading
    lastReceived = now
    switch (unfinished, isReading) {
    case (.due(let deadline), false): unfinished = .paused(left: deadline - now)
    case (.paused(let left), true): unfinished = .due(at: now + left)
    case (.none, _), (.due, true), (.paused, false): break
    }
  }

  /// Whether a frame is begun and not finished, after each read. `isNew`: the read that began it
  /// ended another.
  mutating func setMidway(_ isMidway: Bool, isNew: Bool, at now: Instant) {
    switch unfinished {
    case .due where isMidway && !isNew, .paused where isMidway && !isNew: break
    case .none, .due, .paused:
      unfinished = isMidway ? begun(at: now) : .none
    }
  }

  private func begun(at now: Instant) -> UnfinishedFrame {
    isReading ? .due(at: now + frameTime) : .paused(left: frameTime)
  }

  private var nextBeat: Instant? { beatTime.map { lastSent + $0 } }

  private var silenceEnd: Instant? { isReading ? silenceMax.map { lastReceived + $0 } : nil }

  private var frameEnd: Instant? {
    if case .due(let deadline) = unfinished { deadline } else { nil }
  }

  var nextDeadline: Instant? { [nextBeat, silenceEnd, frameEnd].compactMap(\.self).min() }

  func due(at now: Instant) -> Due? {
    if let silenceEnd, now >= silenceEnd { return .silent }
    if let frameEnd, now >= frameEnd { return .unfinished }
    if let nextBeat, now >= nextBeat { return .beat }
    return nil
  }
}
