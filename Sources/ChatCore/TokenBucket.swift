/// Admits `rate` events a second and `burst` at once.
package struct TokenBucket {
  private var tokens: Double
  private var filledAt: Int64

  package init(burst: Int, now: Int64) {
    tokens = Double(burst)
    filledAt = now
  }

  /// Takes so many tokens, at most `burst`; without them it answers after how many nanoseconds there will
  /// be as many.
  package mutating func take(
    _ count: Int = 1, rate: Double, burst: Int, now: Int64
  ) -> Int64? {
    tokens = level(rate: rate, burst: burst, now: now)
    filledAt = now
    guard tokens < Double(count) else {
      tokens -= Double(count)
      return nil
    }
    return Int64((Double(count) - tokens) / rate * 1e9) + 1
  }

  /// Whether it is as good as a new one.
  package func isFull(rate: Double, burst: Int, now: Int64) -> Bool {
    level(rate: rate, burst: burst, now: now) >= Double(burst)
  }

  private func level(rate: Double, burst: Int, now: Int64) -> Double {
    min(tokens + Double(max(now - filledAt, 0)) / 1e9 * rate, Double(burst))
  }
}
