import Testing

@testable import ChatCore

@Suite
struct TokenBucketTests {
  @Test
  func `admits the burst, then the rate, and says how long to wait`() throws {
    var bucket = TokenBucket()
    func take(_ now: Int64) -> Int64? { bucket.take(rate: 2, burst: 3, now: now) }
    for _ in 1...3 { #expect(take(0) == nil) }
    let wait = try #require(take(0))
    #expect(take(wait) == nil)
    #expect(take(wait) != nil)
    for _ in 1...3 { #expect(take(.seconds(100)) == nil) }
    #expect(take(.seconds(100)) != nil)
    #expect(!bucket.isFull(now: .seconds(101)))
    #expect(bucket.isFull(now: .seconds(102)))
    // A clock that goes back gives nothing.
    #expect(take(.seconds(50)) != nil)
  }

  @Test(arguments: [0.01, 1.0 / 3, 3, 7, 1e5])
  func `takes several at once, and is never found wanting after the time it gave`(
    _ rate: Double
  ) throws {
    var bucket = TokenBucket()
    var now: Int64 = 12_345
    var taken = 0
    for count in [5, 1, 2, 5, 3, 1, 4, 5] {
      if let wait = bucket.take(count, rate: rate, burst: 5, now: now) {
        // Not a moment before, but for what rounding takes.
        #expect(bucket.take(count, rate: rate, burst: 5, now: now + wait - 32) != nil)
        now += wait
        #expect(bucket.take(count, rate: rate, burst: 5, now: now) == nil)
      }
      taken += count
      #expect(Double(taken) <= 5 + Double(now - 12_345) / 1e9 * rate + 1e-6)
    }
  }
}
