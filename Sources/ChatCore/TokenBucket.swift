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
    let elapsed = Double(max(now - filledAt, 0)) / 1e9
    tokens = min(tokens + elapsed * rate, Double(burst))
    filledAt = now
    guard tokens < 1 else {
      tokens -= 1
      return nil
    }
    return Int64((1 - tokens) / rate * 1e9) + 1
  }
}
