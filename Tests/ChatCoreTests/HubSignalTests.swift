import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

private let server2 = NodeID("server2")!

@Suite struct HubSignalTests {
  let driver = HubDriver()

  private func mark(_ to: UserID, received: UInt64 = 0, read: UInt64 = 0, id: Int = 1) -> Command {
    .mark(
      .init(
        id: RequestID(json: "\(id)"), to: .user(to), received: max(received, read), read: read))
  }

  // MARK: - Marks

  @Test func `marks are gathered, stored, and told to the other and to the own devices`() {
    let alices = driver.connect(alice)
    let bobs = driver.connect(bob)
    let other = driver.connect(bob, device: "d2")
    for cid in ["c1", "c2", "c3"] { driver.say(.send(cid, to: .user(bob)), alices) }
    for session in [alices, bobs, other] { _ = driver.taken(session) }
    driver.say(mark(alice, received: 1, id: 1), bobs)
    driver.say(mark(alice, received: 3, id: 2), bobs)
    driver.say(mark(alice, read: 2, id: 3), bobs)
    driver.pass(.milliseconds(100))
    #expect(driver.taken(bobs) == ["ok", "ok", "ok"])
    #expect(driver.taken(alices) == ["@bob @bob has 3, read 2"])
    #expect(driver.taken(other) == ["@alice @bob has 3, read 2"])
  }

  @Test func `marks do not fall, nor pass the head`() {
    let alices = driver.connect(alice)
    let bobs = driver.connect(bob)
    driver.say(.send("c1", to: .user(bob)), alices)
    driver.say(.send("c2", to: .user(bob)), alices)
    driver.say(mark(alice, read: 9), bobs)
    driver.pass(.milliseconds(100))
    _ = driver.taken(alices)
    driver.say(mark(alice, read: 1), bobs)
    driver.pass(.milliseconds(100))
    #expect(driver.taken(alices) == [])
    let again = driver.connect(bob, device: "d2")
    guard case .ready(let ready) = driver.take(again).first else {
      Issue.record("not ready")
      return
    }
    #expect(ready.conversations.map(\.read) == [2])
    #expect(ready.conversations.map(\.unread) == [0])
  }

  @Test func `a mark where nobody wrote is refused`() {
    let alices = driver.connect(alice)
    _ = driver.taken(alices)
    driver.say(mark(bob, read: 1), alices)
    driver.pass(.milliseconds(100))
    #expect(driver.taken(alices) == ["not_found"])
  }

  @Test func `marks of other nodes that were overtaken are not told`() {
    let alices = driver.connect(alice)
    _ = driver.taken(alices)
    let conversation = ConversationID(direct: alice, bob)
    for read in [3, 5, 4, 6] as [UInt64] {
      let signal = Signal.receipt(in: conversation, bob, PeerMarks(received: 6, read: read))
      driver.turn { $0.handle(.arrived([.signal(signal, recipients: [alice])])) }
    }
    #expect(
      driver.taken(alices) == [3, 5, 6].map { "@bob @bob has 6, read \($0)" })
  }

  // MARK: - Typing

  @Test func `typing reaches the other's devices, seldom, and nobody who never wrote`() {
    let alices = driver.connect(alice)
    let bobs = driver.connect(bob)
    _ = driver.taken(bobs)
    driver.say(.typing(.user(bob)), alices)
    #expect(driver.taken(bobs) == [])
    driver.say(.send("c1", to: .user(bob)), alices)
    _ = driver.taken(bobs)
    driver.pass(.seconds(1))
    driver.say(.typing(.user(bob)), alices)
    driver.say(.typing(.user(bob)), alices)
    #expect(driver.taken(bobs) == ["@alice @alice types"])
  }

  @Test func `typing goes where the other is`() {
    let alices = driver.connect(alice)
    driver.register(bob, "d1", at: server2)
    driver.say(.send("c1", to: .user(bob)), alices)
    _ = driver.takePublications()
    driver.pass(.seconds(1))
    driver.say(.typing(.user(bob)), alices)
    let publications = driver.takePublications()
    #expect(publications.map(\.destination) == [.node(server2)])
    #expect(
      publications.map(\.envelope) == [
        .signal(.typing(in: ConversationID(direct: alice, bob), alice), recipients: [bob])
      ])
  }

  // MARK: - Presence

  @Test func `who watches sees others come, go away and go`() {
    let alices = driver.connect(alice)
    _ = driver.taken(alices)
    driver.say(.watchPresence(RequestID(json: "1"), [bob]), alices)
    #expect(driver.taken(alices) == ["watching [\"@bob offline\"]"])
    let bobs = driver.connect(bob)
    #expect(driver.taken(alices) == ["@bob is online"])
    let other = driver.connect(bob, device: "d2")
    driver.say(.setPresence(nil, .away), bobs)
    #expect(driver.taken(alices) == [])
    driver.turn { $0.closed(other) }
    #expect(driver.taken(alices) == ["@bob is away"])
    driver.turn { $0.closed(bobs) }
    driver.pass(.seconds(4))
    #expect(driver.taken(alices) == [])
    driver.pass(.seconds(2))
    #expect(driver.taken(alices) == ["@bob is offline"])
  }

  @Test func `who reconnects in time was never away`() {
    let alices = driver.connect(alice)
    let bobs = driver.connect(bob)
    driver.say(.watchPresence(nil, [bob]), alices)
    _ = driver.taken(alices)
    driver.turn { $0.closed(bobs) }
    driver.pass(.seconds(4))
    _ = driver.connect(bob)
    driver.pass(.seconds(10))
    #expect(driver.taken(alices) == [])
  }

  @Test func `changes that overtook each other are put right by the registry`() {
    let alices = driver.connect(alice)
    driver.say(.watchPresence(nil, [bob]), alices)
    driver.pass(.seconds(5))
    driver.registry.setPresence(bob, at: server2)
    _ = driver.taken(alices)
    for state in [PresenceState.online, .offline] {
      let signal = Signal.presence(bob, Presence(state: state))
      driver.turn { $0.handle(.arrived([.signal(signal, recipients: [])])) }
    }
    #expect(driver.taken(alices) == ["@bob is online", "@bob is offline"])
    driver.pass(.seconds(3))
    #expect(driver.taken(alices) == ["@bob is online"])
  }

  @Test func `a lost node's users are looked at again`() {
    driver.registry.setPresence(bob, at: server2)
    let alices = driver.connect(alice)
    _ = driver.taken(alices)
    driver.say(.watchPresence(nil, [bob]), alices)
    #expect(driver.taken(alices) == ["watching [\"@bob online\"]"])
    driver.registry.leases[server2] = nil
    driver.turn { $0.handle(.nodeLost(server2)) }
    driver.pass(.milliseconds(10))
    #expect(driver.taken(alices) == ["@bob is offline"])
  }
}
