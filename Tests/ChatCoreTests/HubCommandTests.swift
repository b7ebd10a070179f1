import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

@Suite
struct HubCommandTests {
  @Test(
    arguments: [
      (.latest, 100, "page [1, 2, 3, 4, 5]"), (.latest, 2, "page [4, 5] and more"),
      (.before(4), 2, "page [2, 3] and more"), (.before(4), 3, "page [1, 2, 3]"),
      (.before(1), 5, "page []"), (.after(3), 5, "page [4, 5]"),
      (.after(1), 2, "page [2, 3] and more"), (.after(5), 5, "page []"),
      (.between(1, 4), 5, "page [2, 3]"), (.between(1, 5), 2, "page [2, 3] and more"),
      (.between(4, 2), 5, "page []"), (.between(.max, .max), 1, "page []"),
      (.before(.max), 1, "page [5] and more"), (.after(.max), 1, "page []"),
      (.latest, 0, "page [5] and more"), (.latest, 1_000, "page [1, 2, 3, 4, 5]"),
    ] as [(Command.History.Span, Int, String)])
  func `pages through history`(_ span: Command.History.Span, _ limit: Int, _ page: String) {
    let driver = HubDriver()
    for number in 1...5 { driver.write(bob, alice, "b\(number)") }
    let session = driver.connect(alice)
    driver.say(.history(.user(bob), span, limit: limit), session)
    #expect(driver.taken(session) == ["ready", page])
  }

  @Test
  func `a page is bounded in bytes`() {
    var limits = HubLimits()
    limits.pageBytesMax = 5
    let driver = HubDriver(limits: limits)
    for number in 1...5 { driver.write(bob, alice, "b\(number)") }
    let session = driver.connect(alice)
    driver.say(.history(.user(bob), .latest), session)
    driver.say(.history(.user(bob), .after(1)), session)
    #expect(driver.taken(session) == ["ready", "page [4, 5] and more", "page [2, 3] and more"])
  }

  @Test(arguments: [.latest, .before(5), .after(0)] as [Command.History.Span])
  func `a conversation that nobody wrote in is not found`(_ span: Command.History.Span) {
    let driver = HubDriver()
    driver.write(bob, carol, "b1")
    let session = driver.connect(alice)
    driver.say(.history(.user(bob), span), session)
    #expect(driver.taken(session) == ["ready", "not_found"])
  }

  @Test
  func `at most two queries are under way, the others wait in turn`() {
    let driver = HubDriver()
    driver.write(bob, alice, "b1")
    let session = driver.connect(alice)
    driver.isStoreHeld = true
    for _ in 1...4 { driver.say(.history(.user(bob), .latest), session) }
    driver.say(.ping(nil), session)
    #expect(driver.heldRequests.count == 2)
    #expect(driver.isReading[session] == false)
    driver.releaseStore()
    let page = "page [1]"
    #expect(driver.taken(session) == ["ready", page, page, "pong", page, page])
    #expect(driver.isReading[session] == true)
  }

  @Test
  func `answers conversations, ping, and what it does not know`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.say(.conversations(nil), session)
    driver.say(.ping(nil), session)
    for _ in 1...20 { driver.say(.unknown(nil, type: "typing"), session) }
    let taken = driver.taken(session)
    #expect(taken.prefix(4) == ["ready", "conversations", "pong", "bad_request"])
    #expect(driver.closes[session] == nil)
  }

  @Test
  func `what is unread is counted for who is shown it, not for sweeps`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.say(.conversations(nil), session)
    driver.pass(driver.hub.limits.sweepInterval * 3 / 2)
    #expect(driver.hub.counters.sweeps == 1)
    let counts = driver.storeRequests.compactMap { operation -> Bool? in
      if case .conversations(_, _, let countsUnread) = operation { countsUnread } else { nil }
    }
    #expect(counts == [true, true, false])
  }

  @Test
  func `closes after ten malformed frames in a minute`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    func reject(_ count: Int, isMalformed: Bool) {
      for _ in 0..<count {
        driver.turn {
          $0.rejected(nil, .badRequest, "no", isMalformed: isMalformed, from: session)
        }
      }
    }
    reject(50, isMalformed: false)
    reject(9, isMalformed: true)
    driver.pass(.seconds(61))
    reject(9, isMalformed: true)
    #expect(driver.closes[session] == nil)
    reject(1, isMalformed: true)
    #expect(driver.closes[session] == .badProtocol)
  }

  @Test
  func `drains evenly, and sends newcomers away`() {
    let driver = HubDriver()
    let sessions = (1...10).map { driver.connect(UserID("user\($0)")!) }
    driver.turn { $0.drain(over: .seconds(10)) }
    var delays: [Int] = []
    for session in sessions {
      guard case .reconnect(let delay) = driver.take(session).last else { continue }
      delays.append(delay)
    }
    #expect(delays.sorted() == (1...10).map { $0 * 1_000 })
    let late = driver.open()
    #expect(driver.closes == [late: .draining])
    driver.pass(.seconds(5))
    #expect(driver.closes.count == 6)
    driver.pass(.seconds(5))
    #expect(driver.closes.count == 11)
    #expect(driver.closes.values.allSatisfy { $0 == .draining })
    #expect(driver.hub.counters.users == 0)
  }
}
