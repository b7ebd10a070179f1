/// Admits `rate` events a second and `burst` at once.
package struct TokenBucket {
  private var tokens: Double
  private var filledAt: Int64

  package init(burst: Int, now: Int64) {
    tokens = Double(burst)
    filledAt = now
  }

  /// Takes one token; without one it answers after how many nanoseconds there will be one.
  package mutating func take(rate: Double, burst: Int, now: Int64) -> Int64? {
    tokens = level(rate: rate, burst: burst, now: now)
    filledAt = now
    guard tokens < 1 else {
      tokens -= 1
      return nil
    }
    return Int64((1 - tokens) / rate * 1e9) + 1
  }

  /// Whether it is as good as a new one.
  package func isFull(rate: Double, burst: Int, now: Int64) -> Bool {
    level(rate: rate, burst: burst, now: now) >= Double(burst)
  }

  private func level(rate: Double, burst: Int, now: Int64) -> Double {
    min(tokens + Double(max(now - filledAt, 0)) / 1e9 * rate, Double(burst))
  }
}
