import Reactor
import Testing

@testable import chat_bench

@Suite struct PaceTests {
  @Test(arguments: [1.0, 250, 9_999])
  func `releases a rate evenly over the sides`(rate: Double) {
    let start = Instant(nanoseconds: 1_000)
    var pace = Pace(perSecond: rate, start: start, sides: 8)
    var released = Array(repeating: 0, count: 8)
    for tick in 1...1_000 {
      for (side, count) in pace.due(at: start + .milliseconds(tick * 10)) {
        released[side] += count
      }
    }
    #expect(released.reduce(0, +) == Int(rate * 10))
    #expect(released.max()! - released.min()! <= 1)
  }

  @Test func `gives stamps in the order in which they were released`() {
    var queue = StampQueue()
    queue.append(5, count: 2)
    queue.append(7, count: 0)
    queue.append(9, count: 1)
    let stamps = (0..<4).map { _ in queue.popFirst() }
    #expect(stamps == [5, 5, 9, nil])
  }
}
