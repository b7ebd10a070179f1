import Testing

@testable import ChatCore

@Suite
struct TokenBucketTests {
  @Test
  func `admits the burst, then the rate, and says how long to wait`() throws {
    var bucket = TokenBucket(burst: 3, now: 0)
    func take(_ now: Int64) -> Int64? { bucket.take(rate: 2, burst: 3, now: now) }
    for _ in 1...3 { #expect(take(0) == nil) }
    let wait = try #require(take(0))
    #expect(take(wait) == nil)
    #expect(take(wait) != nil)
    for _ in 1...3 { #expect(take(.seconds(100)) == nil) }
    #expect(take(.seconds(100)) != nil)
    // A clock that goes back gives nothing.
    #expect(take(.seconds(50)) != nil)
  }
}
