import Testing

@testable import Reactor

@Suite struct TimerWheelTests {
  private let start = Instant(nanoseconds: 1_000_000_000_000)

  /// The entries that come up when the wheel turns from where it is to `instant`.
  private func entries(of wheel: inout TimerWheel, until instant: Instant) -> [TimerWheel.Entry] {
    var all: [TimerWheel.Entry] = []
    var due: [TimerWheel.Entry] = []
    while wheel.advance(to: instant, &due) {
      all += due
      due.removeAll()
    }
    return all
  }

  @Test func `an entry comes up at its tick and not before`() {
    var wheel = TimerWheel(now: start)
    let deadline = start + .milliseconds(155)
    wheel.insert(.init(slot: 7, tick: wheel.tick(due: deadline)))
    #expect(entries(of: &wheel, until: start + .milliseconds(150)).isEmpty)
    #expect(entries(of: &wheel, until: start + .milliseconds(160)).map(\.slot) == [7])
  }

  @Test func `the wait reaches to the next entry and is never short of it`() {
    var wheel = TimerWheel(now: start)
    #expect(wheel.millisecondsToNext(from: start) == -1)
    for milliseconds in [40_000, 12_345, 640, 11] {
      let deadline = start + .milliseconds(milliseconds)
      wheel.insert(.init(slot: 0, tick: wheel.tick(due: deadline)))
      let wait = wheel.millisecondsToNext(from: start)
      #expect(wait >= milliseconds && wait <= milliseconds + 10)
    }
  }

  @Test func `a deadline in the past comes up in the next tick`() {
    var wheel = TimerWheel(now: start)
    let tick = wheel.tick(due: start + .seconds(-5))
    #expect(tick.isAfter(wheel.now))
    wheel.insert(.init(slot: 1, tick: tick))
    #expect(entries(of: &wheel, until: start + .milliseconds(10)).count == 1)
  }

  @Test func `a stop of many revolutions brings up every bucket once`() {
    var wheel = TimerWheel(now: start)
    for index in 0..<100 {
      let tick = wheel.tick(due: start + .milliseconds(index * 400))
      wheel.insert(.init(slot: UInt32(index), tick: tick))
    }
    let found = entries(of: &wheel, until: start + .seconds(3600)).map(\.slot)
    #expect(found.sorted() == Array(0..<100))
  }
}
