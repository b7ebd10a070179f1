/// Admits `rate` events a second and `burst` at once.
///
/// Eight bytes: of the bucket only the time is kept at which it will be full. `rate` is above 0, and
/// `now` in nanoseconds.
package struct TokenBucket {
  private var fullAt = Int64.min

  /// A full one.
  package init() {}

  /// Takes so many tokens, at most `burst`; without them it answers after how many nanoseconds there will
  /// be as many.
  package mutating func take(
    _ count: Int = 1, rate: Double, burst: Int, now: Int64
  ) -> Int64? {
    let perToken = 1e9 / rate
    let missing = isFull(now: now) ? 0 : Double(fullAt - now) / perToken
    let lacking = Double(count) - (Double(burst) - missing)
    guard lacking <= 0 else { return Int64(lacking * perToken) + 1 }
    fullAt = max(fullAt, now) + Int64((Double(count) * perToken).rounded(.up))
    return nil
  }

  /// Whether it is as good as a new one.
  package func isFull(now: Int64) -> Bool { fullAt <= now }
}
