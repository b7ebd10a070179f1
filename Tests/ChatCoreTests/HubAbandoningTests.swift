import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

private let lobby = ConversationID(room: "lobby")

/// Rooms that a hub lets go of, because of an entry that it gave up it cannot tell whom it took out.
@Suite struct HubAbandoningTests {
  /// Bob is in the room, of which the store has more than a hole may have.
  private func makeWideHole() -> (HubDriver, SessionID) {
    var limits = HubLimits()
    limits.holeMessagesMax = 3
    let driver = HubDriver(limits: limits)
    driver.makeRoom()
    let session = driver.connect(bob)
    _ = driver.taken(session)
    for number in 0..<5 { driver.write(lobby, alice, "c\(number)") }
    return (driver, session)
  }

  @Test func `who is taken out by an entry that is given up is out within seconds`() {
    let (driver, session) = makeWideHole()
    driver.write(lobby, alice, .kick(bob))
    driver.arriveInRoom(driver.write(lobby, alice, "secret"))
    driver.pass(.seconds(2))
    #expect(driver.closes[session] == .internalError)
    #expect(driver.hub.counters.rooms == 0)
  }

  @Test func `who stays a member goes on behind entries that were given up, once that is known`() {
    let (driver, session) = makeWideHole()
    driver.isStoreHeld = true
    driver.arriveInRoom(driver.write(lobby, alice, "c5"))
    driver.pass(.milliseconds(60))
    driver.releaseFirst()
    driver.pass(0)
    driver.arriveInRoom(driver.write(lobby, alice, "c6"))
    #expect(driver.taken(session) == ["#lobby 2", "#lobby 3", "#lobby 4"])
    #expect(driver.hub.counters.rooms == 0)
    driver.releaseStore()
    driver.pass(.seconds(1))
    #expect(driver.taken(session) == ["#lobby 5", "#lobby 6", "#lobby 7", "#lobby 8"])
    driver.arriveInRoom(driver.write(lobby, alice, "c7"))
    #expect(driver.taken(session) == ["#lobby 9"])
  }

  @Test func `who is taken out and comes again behind what was given up hears the room again`() {
    let (driver, session) = makeWideHole()
    driver.write(lobby, alice, .invite([carol]))
    let last = driver.write(lobby, alice, "c6")
    driver.isStoreHeld = true
    driver.arriveInRoom(last)
    driver.pass(.milliseconds(60))
    driver.releaseFirst()
    // The room is let go of, and bob's list is under way: carol's comes first.
    driver.isStoreHeld = false
    let carols = driver.connect(carol)
    driver.isStoreHeld = true
    driver.arriveInRoom(driver.write(lobby, alice, .kick(bob)))
    driver.arriveInRoom(driver.write(lobby, alice, .invite([bob])), adding: [bob])
    driver.releaseStore()
    driver.isStoreHeld = false
    driver.pass(.seconds(5))
    driver.arriveInRoom(driver.write(lobby, alice, "c9"))
    driver.pass(.seconds(1))
    #expect(driver.taken(carols).last == "#lobby 11")
    #expect(driver.taken(session).last == "#lobby 11")
  }
}
