import Testing

@testable import chat_bench

struct CrossingTests {
  @Test func `the time from ack to delivery is known when both have come`() {
    var crossing = Crossing()
    #expect(crossing.acked(1, at: 100) == nil)
    #expect(crossing.delivered(2, at: 110) == nil)
    #expect(crossing.delivered(1, at: 150) == 50)
    #expect(crossing.acked(2, at: 180) == 0)
  }

  @Test func `a message is counted once`() {
    var crossing = Crossing()
    #expect(crossing.acked(1, at: 100) == nil)
    #expect(crossing.delivered(1, at: 150) == 50)
    #expect(crossing.acked(1, at: 160) == nil)
  }
}
