import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

private let lobby = ConversationID(room: "lobby")

/// Memberships that change while sessions come and go, or while entries are missing.
@Suite struct HubMembershipTests {
  /// Bob's only live session goes while another begins, so that his rooms are forgotten here.
  private func changeSessions(in driver: HubDriver) -> SessionID {
    let first = driver.connect(bob)
    driver.isStoreHeld = true
    let second = driver.connect(bob, device: "d2")
    driver.turn { $0.closed(first) }
    #expect(driver.hub.counters.rooms == 0)
    return second
  }

  @Test func `a sweep that is answered while no session is live leaves rooms alone`() {
    let driver = HubDriver()
    driver.makeRoom()
    let first = driver.connect(bob)
    driver.isStoreHeld = true
    driver.turn { $0.handle(.busRecovered) }
    driver.pass(0)
    let second = driver.connect(bob, device: "d2")
    driver.turn { $0.closed(first) }
    #expect(driver.hub.counters.rooms == 0)
    #expect(driver.heldRequests.count == 2)
    driver.releaseFirst()
    driver.write(lobby, alice, "c1")
    driver.pass(.seconds(1))
    driver.releaseStore()
    driver.pass(.seconds(1))
    #expect(driver.taken(second).first == "ready")
    driver.arriveInRoom(driver.write(lobby, alice, "c2"))
    #expect(driver.taken(second).last == "#lobby 3")
  }

  @Test func `a session that begins while its user's rooms are forgotten is in them`() {
    let driver = HubDriver()
    driver.makeRoom()
    let second = changeSessions(in: driver)
    driver.releaseStore()
    #expect(driver.taken(second) == ["ready"])
    driver.arriveInRoom(driver.write(lobby, alice, "c1"))
    #expect(driver.taken(second) == ["#lobby 2"])
  }

  @Test func `who leaves a room that had been forgotten meanwhile is out, and stays connected`() {
    let driver = HubDriver()
    driver.makeRoom()
    let second = changeSessions(in: driver)
    driver.releaseStore()
    _ = driver.taken(second)
    driver.arriveInRoom(driver.write(lobby, alice, .kick(bob)))
    #expect(driver.taken(second) == ["#lobby 2"])
    driver.write(lobby, alice, "c1")
    let third = driver.connect(bob, device: "d3")
    #expect(driver.taken(third) == ["ready"])
    driver.pass(.seconds(80))
    #expect(driver.taken(second) == [])
    #expect(driver.closes.isEmpty)
    #expect(driver.hub.counters.rooms == 0)
  }

  @Test func `a room that its user came into while the list was read is found`() {
    let driver = HubDriver()
    let first = driver.connect(bob)
    _ = driver.taken(first)
    driver.isStoreHeld = true
    let second = driver.connect(bob, device: "d2")
    let list = driver.store
    driver.makeRoom()
    let entry = driver.store.logs[lobby]![0]
    driver.turn {
      $0.handle(.arrived([.deliver(Delivery(message: entry, recipients: [bob]))]))
    }
    driver.turn { $0.closed(first) }
    let later = driver.store
    driver.store = list
    driver.releaseStore()
    driver.store = later
    driver.pass(.seconds(1))
    #expect(driver.taken(second) == ["ready", "#lobby 1"])
  }

  @Test func `who is taken out and comes again is told of what was written between`() {
    let driver = HubDriver()
    driver.makeRoom()
    let session = driver.connect(bob)
    _ = driver.taken(session)
    driver.arriveInRoom(driver.write(lobby, alice, .kick(bob)))
    driver.write(lobby, alice, "c1")
    driver.write(lobby, alice, "c2")
    let entry = driver.write(lobby, alice, .invite([bob]))
    driver.arriveInRoom(entry, adding: [bob])
    driver.pass(.seconds(1))
    #expect(driver.taken(session) == ["#lobby 2", "gap #lobby 2-5", "#lobby 5"])
  }

  @Test func `a session that came while its user was out is told of all since where it was`() {
    let driver = HubDriver()
    driver.makeRoom()
    let first = driver.connect(bob)
    driver.arriveInRoom(driver.write(lobby, alice, "c1"))
    driver.arriveInRoom(driver.write(lobby, alice, .kick(bob)))
    let second = driver.connect(bob, device: "d2", resume: [.room("lobby"): 1])
    driver.write(lobby, alice, "c2")
    let entry = driver.write(lobby, alice, .invite([bob]))
    for session in [first, second] { _ = driver.taken(session) }
    driver.arriveInRoom(entry, adding: [bob])
    driver.pass(.seconds(1))
    #expect(driver.taken(first) == ["gap #lobby 3-5", "#lobby 5"])
    #expect(driver.taken(second) == ["gap #lobby 1-5", "#lobby 5"])
  }

  @Test func `a session whose list says that its user is out gets nothing of what is on its way`() {
    let driver = HubDriver()
    driver.makeRoom()
    let first = driver.connect(bob)
    driver.pass(.seconds(1))
    let kick = [driver.write(lobby, alice, "c1"), driver.write(lobby, alice, .kick(bob))]
    let known = driver.connect(bob, device: "d2", resume: [.room("lobby"): 1])
    let new = driver.connect(bob, device: "d3")
    driver.arriveInRoom(kick[0], kick[1])
    driver.write(lobby, alice, "c2")
    driver.arriveInRoom(driver.write(lobby, alice, .invite([bob])), adding: [bob])
    driver.pass(.seconds(1))
    #expect(driver.taken(first) == ["ready", "#lobby 2", "#lobby 3", "gap #lobby 3-5", "#lobby 5"])
    #expect(driver.taken(known) == ["ready", "gap #lobby 1-5", "#lobby 5"])
    #expect(driver.taken(new) == ["ready", "gap #lobby 3-5", "#lobby 5"])
  }

  @Test func `a session that is out is told of all since where it was, also of an earlier stay`() {
    let driver = HubDriver()
    driver.makeRoom()
    _ = driver.connect(bob)
    driver.arriveInRoom(driver.write(lobby, alice, .kick(bob)))
    driver.arriveInRoom(driver.write(lobby, alice, .invite([bob])), adding: [bob])
    driver.pass(.seconds(1))
    let kick = driver.write(lobby, alice, .kick(bob))
    let session = driver.connect(bob, device: "d2", resume: [.room("lobby"): 1])
    driver.arriveInRoom(kick)
    driver.arriveInRoom(driver.write(lobby, alice, .invite([bob])), adding: [bob])
    driver.pass(.seconds(1))
    #expect(driver.taken(session) == ["ready", "gap #lobby 1-5", "#lobby 5"])
  }

  @Test func `who hears only the end of a stay is told of all since the one before`() {
    let driver = HubDriver()
    driver.write(
      lobby, alice, .create(RoomSettings(isPublic: false), members: [bob, carol]))
    let session = driver.connect(bob)
    driver.arriveInRoom(driver.write(lobby, alice, .kick(bob)))
    // The room is nobody's here when bob comes into it again, and is here when he is taken out.
    driver.write(lobby, alice, .invite([bob]))
    driver.write(lobby, alice, "c1")
    _ = driver.connect(carol)
    driver.arriveInRoom(driver.write(lobby, alice, .kick(bob)))
    driver.arriveInRoom(driver.write(lobby, alice, .invite([bob])), adding: [bob])
    driver.pass(.seconds(1))
    #expect(driver.taken(session) == ["ready", "#lobby 2", "gap #lobby 2-6", "#lobby 6"])
  }

  @Test func `a list from an earlier stay says nothing of this one`() {
    let driver = HubDriver()
    driver.makeRoom()
    let first = driver.connect(bob)
    driver.isStoreHeld = true
    let second = driver.connect(bob, device: "d2", resume: [.room("lobby"): 1])
    let third = driver.connect(bob, device: "d3")
    let list = driver.store
    let entries = [
      driver.write(lobby, alice, .kick(bob)), driver.write(lobby, alice, "secret"),
      driver.write(lobby, alice, .invite([bob])),
    ]
    driver.arriveInRoom(entries[0], entries[1], entries[2], adding: [bob])
    let later = driver.store
    driver.store = list
    driver.releaseFirst()
    driver.releaseFirst()
    driver.store = later
    driver.releaseStore()
    driver.pass(.seconds(1))
    #expect(driver.taken(first) == ["ready", "#lobby 2", "gap #lobby 2-4", "#lobby 4"])
    #expect(driver.taken(second) == ["ready", "gap #lobby 1-4", "#lobby 4"])
    #expect(driver.taken(third) == ["ready", "#lobby 4"])
  }

  @Test func `a device that is ahead of its hub stays so where the user comes in again`() {
    let driver = HubDriver()
    driver.makeRoom()
    _ = driver.connect(bob)
    let kick = driver.write(lobby, alice, .kick(bob))
    let invite = driver.write(lobby, alice, .invite([bob]))
    let last = driver.write(lobby, alice, "c1")
    driver.isLogUnreadable = true
    let ahead = driver.connect(bob, device: "d2", resume: [.room("lobby"): 4])
    driver.arriveInRoom(kick)
    _ = driver.connect(bob, device: "d3")
    driver.arriveInRoom(invite, last, adding: [bob])
    driver.isLogUnreadable = false
    driver.pass(.seconds(5))
    #expect(driver.taken(ahead) == ["ready"])
  }

  @Test func `who was taken out and came again elsewhere gets nothing twice`() {
    let driver = HubDriver()
    driver.makeRoom()
    let here = driver.connect(bob)
    driver.write(lobby, alice, .kick(bob))
    driver.write(lobby, alice, .invite([bob]))
    driver.write(lobby, alice, "c1")
    let session = driver.connect(bob, device: "d2", resume: [.room("lobby"): 4])
    driver.pass(.seconds(1))
    #expect(driver.taken(here) == ["ready", "#lobby 2", "#lobby 3", "#lobby 4"])
    #expect(driver.taken(session) == ["ready"])
  }

  @Test func `a session that goes back and is out hears nothing of the room any more`() {
    let driver = HubDriver()
    driver.makeRoom()
    let session = driver.connect(bob)
    driver.pass(.seconds(1))
    let kick = driver.write(lobby, alice, .kick(bob))
    driver.say(.resume(RequestID(json: "r"), [.room("lobby"): 1]), session)
    _ = driver.taken(session)
    let typing = Envelope.signal(.typing(in: lobby, alice), recipients: [])
    driver.turn { $0.handle(.arrived([typing])) }
    driver.arriveInRoom(kick)
    #expect(driver.taken(session) == [])
    driver.arriveInRoom(driver.write(lobby, alice, .invite([bob])), adding: [bob])
    driver.pass(.seconds(1))
    #expect(driver.taken(session) == ["gap #lobby 1-3", "#lobby 3"])
  }

  @Test func `a membership that has ended goes with the last session that is in the room`() {
    let driver = HubDriver()
    driver.makeRoom()
    let first = driver.connect(bob)
    driver.pass(.seconds(1))
    driver.write(lobby, alice, .kick(bob))
    let second = driver.connect(bob, device: "d2")
    driver.turn { $0.closed(first) }
    #expect(driver.hub.counters.rooms == 0)
    driver.pass(.seconds(100))
    #expect(driver.closes[second] == nil)
    driver.arriveInRoom(driver.write(lobby, alice, .invite([bob])), adding: [bob])
    driver.pass(.seconds(1))
    #expect(driver.taken(second).last == "#lobby 3")
  }

  @Test func `a list that the user's own news have cut short still is not whole`() {
    var limits = HubLimits()
    limits.conversationsMax = 2
    let driver = HubDriver(limits: limits)
    let owners = ["carol", "dave"].map { UserID($0)! }
    let den = ConversationID(room: "den")
    driver.write(den, owners[0], .create(RoomSettings(isPublic: false), members: [bob]))
    driver.makeRoom()
    let session = driver.connect(bob)
    driver.pass(.seconds(1))
    let attic = ConversationID(room: "attic")
    driver.write(attic, owners[1], .create(RoomSettings(isPublic: false), members: [bob]))
    driver.isStoreHeld = true
    driver.turn { $0.handle(.busRecovered) }
    driver.pass(0)
    driver.arriveInRoom(driver.write(den, owners[0], .kick(bob)))
    driver.releaseStore()
    driver.pass(.seconds(100))
    #expect(driver.closes[session] == nil)
    driver.arriveInRoom(driver.write(lobby, alice, "c1"))
    #expect(driver.taken(session).last == "#lobby 2")
  }

  @Test func `a session that a large room is still handed to is told of its absence behind that`() {
    var limits = HubLimits()
    limits.fanoutSessionsMax = 1
    let driver = HubDriver(limits: limits)
    driver.makeRoom()
    let sessions = ["d1", "d2", "d3"].map { driver.connect(bob, device: $0) }
    for session in sessions { _ = driver.taken(session) }
    driver.write(lobby, alice, "c1")
    driver.write(lobby, alice, .kick(bob))
    driver.write(lobby, alice, "secret")
    driver.arriveInRoom(driver.write(lobby, alice, .invite([bob])), adding: [bob])
    driver.pass(.seconds(1))
    for session in sessions {
      #expect(driver.taken(session) == ["#lobby 2", "#lobby 3", "gap #lobby 3-5", "#lobby 5"])
    }
  }

  @Test func `a session that has the end of a membership already gets what comes behind it`() {
    let driver = HubDriver()
    driver.makeRoom()
    _ = driver.connect(bob)
    driver.pass(.seconds(1))
    let kick = driver.write(lobby, alice, .kick(bob))
    let invite = driver.write(lobby, alice, .invite([bob]))
    let end = driver.write(lobby, alice, .kick(bob))
    let session = driver.connect(bob, device: "d2", resume: [.room("lobby"): 4])
    driver.arriveInRoom(kick, invite, end, adding: [bob])
    #expect(driver.taken(session) == ["ready"])
    driver.arriveInRoom(driver.write(lobby, alice, .invite([bob])), adding: [bob])
    driver.arriveInRoom(driver.write(lobby, alice, "c1"))
    driver.pass(.seconds(1))
    #expect(driver.taken(session) == ["#lobby 5", "#lobby 6"])
  }

  @Test func `a slow session gets no end of what it had no beginning of`() {
    var limits = HubLimits()
    limits.holeMessagesMax = 0
    let driver = HubDriver(limits: limits)
    driver.makeRoom()
    _ = driver.connect(bob)
    let slow = driver.connect(carol)
    _ = driver.taken(slow)
    driver.turn { $0.setCongested(slow, true) }
    driver.write(lobby, alice, .invite([carol]))
    driver.arriveInRoom(driver.write(lobby, alice, .kick(carol)))
    driver.pass(.milliseconds(100))
    #expect(driver.taken(slow) == [])
  }

  @Test func `whom a large room is still handed to is told of the rest when taken out`() {
    var limits = HubLimits()
    limits.fanoutSessionsMax = 1
    let driver = HubDriver(limits: limits)
    driver.makeRoom()
    let others = ["d1", "d2", "d3"].map { driver.connect(bob, device: $0) }
    let slow = others[2]
    for session in others { _ = driver.taken(session) }
    let entries = [
      driver.write(lobby, alice, "c1"), driver.write(lobby, alice, "c2"),
      driver.write(lobby, alice, .kick(bob)),
    ]
    driver.turn { $0.setCongested(slow, true) }
    driver.arriveInRoom(entries[0], entries[1], entries[2])
    #expect(driver.taken(others[1]) == ["#lobby 2", "#lobby 3", "#lobby 4"])
    #expect(driver.taken(slow) == ["gap #lobby 1-4", "#lobby 4"])
  }
}
