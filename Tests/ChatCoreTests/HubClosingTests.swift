import Testing

@testable import ChatCore

@Suite struct HubClosingTests {
  @Test func `whoever has left is freed at once, though alarms were set for them`() {
    let driver = HubDriver()
    let id = driver.connect(alice)
    weak let session = driver.hub.sessions[id]
    weak let user = driver.hub.users[alice]
    #expect(session != nil && user != nil)
    #expect(driver.hub.nextDeadline != nil)
    driver.turn { $0.closed(id) }
    #expect(session == nil)
    #expect(user == nil)
    #expect(driver.hub.nextDeadline != nil)
  }

  @Test func `the sweeps of a user who left do not sweep the one who came back`() {
    let driver = HubDriver()
    let first = driver.connect(alice)
    driver.pass(.seconds(1))
    driver.turn { $0.closed(first) }
    _ = driver.connect(alice)
    driver.pass(driver.hub.limits.sweepInterval * 3 / 2)
    #expect(driver.hub.counters.sweeps == 1)
  }
}
