import Reactor
import Testing

@testable import Gateway

@Suite struct STOMPTimingTests {
  private func at(_ seconds: Double) -> Instant {
    Instant(nanoseconds: Int64(seconds * 1_000_000_000))
  }

  private func agreed(outgoing: Int?, incoming: Int?) -> STOMPTiming {
    var timing = STOMPTiming(frameTime: .seconds(30))
    timing.agree(outgoing: outgoing, incoming: incoming, 3, at: at(0))
    return timing
  }

  @Test func `nothing is due where nothing was agreed`() {
    let timing = agreed(outgoing: nil, incoming: nil)
    #expect(timing.nextDeadline == nil)
    #expect(timing.due(at: at(1_000_000)) == nil)
  }

  @Test func `a beat is due a little early, counted from the last word`() {
    var timing = agreed(outgoing: 1_000, incoming: nil)
    #expect(timing.nextDeadline == at(0.75))
    timing.sent(at: at(0.5))
    #expect(timing.due(at: at(1.2)) == nil)
    #expect(timing.due(at: at(1.25)) == .beat)
  }

  @Test func `a client is silent too long after three times its promise`() {
    var timing = agreed(outgoing: nil, incoming: 1_000)
    timing.received(at: at(1))
    #expect(timing.due(at: at(3.9)) == nil)
    #expect(timing.due(at: at(4)) == .silent)
  }

  @Test func `a client that is not read is neither silent nor late`() {
    var timing = agreed(outgoing: nil, incoming: 1_000)
    timing.setMidway(true, isNew: false, at: at(0))
    timing.setReading(false, at: at(1))
    #expect(timing.nextDeadline == nil)
    #expect(timing.due(at: at(100)) == nil)
    timing.setReading(true, at: at(100))
    #expect(timing.due(at: at(102)) == nil)
    #expect(timing.due(at: at(103)) == .silent)
    timing.received(at: at(128))
    #expect(timing.due(at: at(128)) == nil)
    #expect(timing.due(at: at(129)) == .unfinished)
  }

  @Test func `a frame's time is not prolonged by pauses, nor begins again`() {
    var timing = agreed(outgoing: nil, incoming: nil)
    timing.setMidway(true, isNew: false, at: at(0))
    for second in 0..<10 {
      let start = Double(10 * second)
      timing.setReading(false, at: at(start + 3))
      timing.setReading(true, at: at(start + 10))
      timing.setMidway(true, isNew: false, at: at(start + 10))
      #expect(timing.nextDeadline == at(start + 10 + 30 - 3 * Double(second + 1)))
    }
    #expect(timing.due(at: at(100)) == .unfinished)
  }

  @Test func `a frame that another ended before has a time of its own`() {
    var timing = agreed(outgoing: nil, incoming: nil)
    for second in [0, 10, 20, 29] {
      timing.setMidway(true, isNew: true, at: at(Double(second)))
    }
    #expect(timing.nextDeadline == at(59))
    timing.setReading(false, at: at(30))
    timing.setMidway(true, isNew: true, at: at(31))
    timing.setReading(true, at: at(40))
    #expect(timing.nextDeadline == at(70))
  }

  @Test func `a frame has its time from its first byte, however often more of it comes`() {
    var timing = agreed(outgoing: nil, incoming: nil)
    for second in 0...29 { timing.setMidway(true, isNew: false, at: at(Double(second))) }
    #expect(timing.nextDeadline == at(30))
    timing.setMidway(false, isNew: true, at: at(29))
    #expect(timing.nextDeadline == nil)
  }

  static let tags: [RequestTag] = [
    .send(receipt: nil), .send(receipt: "r"), .send(receipt: ""), .resume(1, receipt: nil),
    .resume(.max, receipt: "s"), .resume(0, receipt: ":1:"), .other(receipt: nil),
    .other(receipt: "1"), .commit(0), .commit(.max),
  ]

  @Test(arguments: tags) func `what a request is about comes back with its answer`(
    tag: RequestTag
  ) {
    #expect(RequestTag(tag.requestID) == tag)
  }
}
