import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

private let lobby = ConversationID(room: "lobby")
private let lobbyAddress = Address.room("lobby")
private let withBob = ConversationID(direct: alice, bob)
private let fromBob = Address.user(bob)

/// What clients are told of entries that were removed.
@Suite struct HubRetentionTests {
  let driver = HubDriver()

  private func write(_ count: Int) {
    for number in 1...count { driver.write(bob, alice, "b\(number)") }
  }

  private func history(
    _ span: Command.History.Span, of address: Address = .user(bob), limit: Int = 100,
    _ session: SessionID
  ) -> [String] {
    driver.say(.history(address, span, limit: limit), session)
    return driver.taken(session)
  }

  // MARK: Coming back

  @Test func `a device that comes back from below the mark is told, and goes on above it`() {
    write(6)
    driver.store.remove(upTo: 4, in: withBob)
    let session = driver.connect(alice, resume: [fromBob: 2])
    #expect(driver.taken(session) == ["ready", "gap @bob 2-5 removed", "@bob 5", "@bob 6"])
    let above = driver.connect(alice, device: "d2", resume: [fromBob: 4])
    #expect(driver.taken(above) == ["ready", "@bob 5", "@bob 6"])
  }

  @Test func `also when nothing is left, and when it has nothing of the conversation`() {
    write(6)
    driver.store.remove(upTo: 6, in: withBob)
    let session = driver.connect(alice, resume: [fromBob: 2])
    #expect(driver.taken(session) == ["ready", "gap @bob 2-7 removed"])
    let other = driver.connect(alice, device: "d2", resume: [.user(carol): 1])
    #expect(driver.taken(other) == ["ready", "gap @bob 0-7 removed"])
    let empty = driver.connect(alice, device: "d3")
    #expect(driver.taken(empty) == ["ready"])
    driver.arrive(driver.write(bob, alice, "b7"))
    for session in [session, other, empty] { #expect(driver.taken(session) == ["@bob 7"]) }
  }

  @Test func `what is removed while missed messages are read is told in its place`() {
    for last in [4, 6] as [UInt64] {
      let driver = HubDriver()
      for number in 1...6 { driver.write(bob, alice, "b\(number)") }
      // Somebody else's load, so that the second one is not held up by the first.
      let first = driver.connect(alice, device: "d0")
      driver.isStoreHeld = true
      let session = driver.connect(alice, resume: [fromBob: 2])
      let load = driver.heldRequests.last!
      driver.turn {
        $0.completed([
          StoreReply(token: load.token, result: driver.store.perform(load.operation))
        ])
      }
      driver.store.remove(upTo: last, in: withBob)
      let missed = driver.heldRequests.last!
      driver.turn {
        $0.completed([
          StoreReply(token: missed.token, result: driver.store.perform(missed.operation))
        ])
      }
      let left = last == 4 ? ["@bob 5", "@bob 6"] : []
      #expect(
        driver.taken(session) == ["ready", "gap @bob 2-\(last + 1) removed"] + left)
      #expect(driver.taken(first) == ["ready"])
      driver.isStoreHeld = false
      driver.arrive(driver.write(bob, alice, "b7"))
      #expect(driver.taken(session) == ["@bob 7"])
    }
  }

  @Test func `what is unread is what is left`() {
    write(6)
    driver.store.remove(upTo: 4, in: withBob)
    let session = driver.connect(alice)
    guard case .ready(let ready) = driver.take(session).first else {
      Issue.record("not ready")
      return
    }
    #expect(ready.conversations.map(\.head) == [6])
    #expect(ready.conversations.map(\.unread) == [2])
  }

  // MARK: History

  @Test func `a page that would begin below the mark is told of by a gap`() {
    write(6)
    driver.store.remove(upTo: 4, in: withBob)
    let session = driver.connect(alice)
    _ = driver.taken(session)
    #expect(history(.after(1), session) == ["gap @bob 1-5 removed", "page [5, 6]"])
    #expect(history(.after(4), session) == ["page [5, 6]"])
    #expect(history(.between(1, 6), session) == ["gap @bob 1-5 removed", "page [5]"])
    #expect(history(.between(1, 4), session) == ["gap @bob 1-4 removed", "page []"])
    #expect(history(.before(4), session) == ["gap @bob 0-5 removed", "page []"])
  }

  @Test func `a page that ends at the mark says that there is no more`() {
    write(6)
    driver.store.remove(upTo: 4, in: withBob)
    let session = driver.connect(alice)
    _ = driver.taken(session)
    #expect(history(.latest, session) == ["page [5, 6]"])
    #expect(history(.latest, limit: 1, session) == ["page [6] and more"])
    #expect(history(.before(6), session) == ["page [5]"])
    driver.store.remove(upTo: 6, in: withBob)
    #expect(history(.latest, session) == ["page []"])
  }

  // MARK: Holes

  @Test func `a hole whose entries are removed is skipped, and not asked for again`() {
    let session = driver.connect(alice)
    let messages = (1...4).map { driver.write(bob, alice, "b\($0)") }
    driver.arrive(messages[0])
    driver.arrive(messages[3])
    driver.store.remove(upTo: 3, in: withBob)
    driver.pass(.milliseconds(60))
    #expect(driver.taken(session) == ["ready", "@bob 1", "gap @bob 1-4 removed", "@bob 4"])
    let asked = driver.storeRequests.count
    driver.pass(.seconds(20))
    #expect(driver.storeRequests.count == asked)
  }

  @Test func `of a hole that is removed in part the rest is handed out`() {
    let session = driver.connect(alice)
    let messages = (1...6).map { driver.write(bob, alice, "b\($0)") }
    driver.arrive(messages[0])
    driver.arrive(messages[5])
    driver.store.remove(upTo: 3, in: withBob)
    driver.pass(.milliseconds(60))
    #expect(
      driver.taken(session) == [
        "ready", "@bob 1", "gap @bob 1-4 removed", "@bob 4", "@bob 5", "@bob 6",
      ])
  }

  @Test func `what is held is handed out though it is removed`() {
    let session = driver.connect(alice)
    let messages = (1...3).map { driver.write(bob, alice, "b\($0)") }
    driver.arrive(messages[2])
    driver.store.remove(upTo: 3, in: withBob)
    driver.pass(.milliseconds(60))
    #expect(driver.taken(session) == ["ready", "gap @bob 0-3 removed", "@bob 3"])
    driver.write(bob, alice, "b4")
    driver.store.remove(upTo: 4, in: withBob)
    driver.pass(.seconds(80))
    #expect(driver.taken(session) == ["gap @bob 3-5 removed"])
  }

  // MARK: Rooms

  @Test func `a member of a private room sees what is above the later of both`() {
    driver.write(lobby, alice, .create(RoomSettings(isPublic: false), members: []))
    for number in 2...4 { driver.write(lobby, alice, "c\(number)") }
    driver.write(lobby, alice, .invite([bob]))
    for number in 6...8 { driver.write(lobby, alice, "c\(number)") }
    // The invitation that bob sees first is no message.
    for (mark, start, unread) in [(2, 4, 3), (6, 6, 2)] as [(UInt64, UInt64, UInt64)] {
      driver.store.remove(upTo: mark, in: lobby)
      let session = driver.connect(bob, device: "d\(mark)")
      guard case .ready(let ready) = driver.take(session).first else {
        Issue.record("not ready")
        return
      }
      #expect(ready.conversations.map(\.room?.since) == [start])
      #expect(ready.conversations.map(\.unread) == [unread])
    }
    let resumed = driver.connect(bob, resume: [lobbyAddress: 5])
    #expect(
      driver.taken(resumed) == ["ready", "gap #lobby 5-7 removed", "#lobby 7", "#lobby 8"])
  }
}
