/// How long to wait before the next attempt: doubling, with full jitter.
///
/// The wait is anywhere from nothing to the doubled delay, so that a thousand clients of one
/// server do not all come back in the same instant.
package struct Backoff: Sendable {
  package static let attemptsCountedMax = 32

  private let delayMin: Duration
  private let delayMax: Duration
  /// Gives a duration in the range.
  private let jitter: @Sendable (ClosedRange<Duration>) -> Duration
  private var attempts = 0

  /// - Parameters:
  ///   - delayMin: the bound of the first wait.
  ///   - delayMax: the bound of every wait.
  package init(
    delayMin: Duration, delayMax: Duration,
    jitter: @escaping @Sendable (ClosedRange<Duration>) -> Duration = Self.random
  ) {
    precondition(delayMin > .zero && delayMin <= delayMax)
    self.delayMin = delayMin
    self.delayMax = delayMax
    self.jitter = jitter
  }

  /// The wait before the next attempt.
  package mutating func next() -> Duration {
    var bound = delayMin
    for _ in 0..<attempts where bound < delayMax { bound = min(delayMax, bound * 2) }
    attempts = min(attempts + 1, Self.attemptsCountedMax)
    return jitter(.zero...bound)
  }

  /// The last attempt succeeded.
  package mutating func reset() { attempts = 0 }

  package static let random: @Sendable (ClosedRange<Duration>) -> Duration = { range in
    let span = (range.upperBound - range.lowerBound).wholeNanoseconds
    return range.lowerBound + .nanoseconds(Int64.random(in: 0...max(0, span)))
  }
}
