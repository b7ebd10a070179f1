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

  @Test func `marks of several devices in one moment are told to all of them`() {
    let alices = driver.connect(alice)
    let devices = ["d1", "d2"].map { driver.connect(bob, device: $0) }
    for cid in ["c1", "c2", "c3"] { driver.say(.send(cid, to: .user(bob)), alices) }
    for device in devices { _ = driver.taken(device) }
    driver.say(mark(alice, read: 3), devices[0])
    driver.say(mark(alice, read: 1), devices[1])
    driver.pass(.milliseconds(100))
    for device in devices {
      #expect(driver.taken(device) == ["ok", "@alice @bob has 3, read 3"])
    }
  }

  @Test func `a mark of a room that is on another node reaches its members there`() {
    let lobby = ConversationID(room: "lobby")
    driver.write(lobby, alice, .create(RoomSettings(), members: [bob]))
    driver.subscribe(.room("lobby"), at: server2, shard: 0)
    let command = Command.mark(
      .init(id: RequestID(json: "1"), to: .room("lobby"), received: 1, read: 1))
    let request = driver.ask(command, by: bob)
    driver.pass(.milliseconds(100))
    #expect(driver.taken(request) == ["ok"])
    let marks = PeerMarks(received: 1, read: 1)
    let publications = driver.takePublications()
    #expect(publications.map(\.destination) == [.node(server2)])
    #expect(
      publications.map(\.envelope) == [.signal(.receipt(in: lobby, bob, marks), recipients: [])])
  }

  @Test func `of marks in a large room, from wherever, only the own devices are told`() {
    var limits = HubLimits()
    limits.receiptMembersMax = 1
    let driver = HubDriver(limits: limits)
    let lobby = ConversationID(room: "lobby")
    driver.write(lobby, alice, .create(RoomSettings(), members: [bob]))
    let alices = driver.connect(alice)
    let bobs = driver.connect(bob)
    for session in [alices, bobs] { _ = driver.taken(session) }
    let signal = Signal.receipt(in: lobby, bob, PeerMarks(received: 1, read: 1))
    driver.turn { $0.handle(.arrived([.signal(signal, recipients: [])])) }
    #expect(driver.taken(alices) == [])
    #expect(driver.taken(bobs) == ["#lobby @bob has 1, read 1"])
  }

  @Test func `marks that ready told do not fall by what was on its way`() {
    let lower = PeerMarks(received: 2, read: 1)
    for cid in ["c1", "c2", "c3"] { driver.write(alice, bob, cid) }
    let bobs = driver.connect(bob)
    driver.say(mark(alice, read: 3), bobs)
    driver.pass(.milliseconds(100))
    let other = HubDriver()
    other.store = driver.store
    let alices = other.connect(alice)
    #expect(other.taken(alices) == ["ready"])
    let conversation = ConversationID(direct: alice, bob)
    let signal = Signal.receipt(in: conversation, bob, lower)
    other.turn { $0.handle(.arrived([.signal(signal, recipients: [alice])])) }
    #expect(other.taken(alices) == [])
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

  @Test func `who is away is there again with another device`() {
    let alices = driver.connect(alice)
    driver.say(.watchPresence(nil, [bob]), alices)
    let bobs = driver.connect(bob)
    driver.say(.setPresence(nil, .away), bobs)
    _ = driver.taken(alices)
    _ = driver.connect(bob, device: "d2")
    #expect(driver.taken(alices) == ["@bob is online"])
  }

  @Test func `who watches while nobody can say is told what is so when somebody can`() {
    driver.registry.setPresence(bob, at: server2)
    let alices = driver.connect(alice)
    _ = driver.taken(alices)
    driver.isRegistryAway = true
    driver.say(.watchPresence(RequestID(json: "1"), [bob]), alices)
    #expect(driver.taken(alices) == ["watching [\"@bob offline\"]"])
    driver.isRegistryAway = false
    driver.pass(.seconds(5))
    #expect(driver.taken(alices) == ["@bob is online"])
  }

  @Test func `who asks once while nobody can say is told so, also of whom others watch`() {
    driver.registry.setPresence(bob, at: server2)
    let alices = driver.connect(alice)
    _ = driver.taken(alices)
    func answer() -> [String] {
      let request = driver.ask(.watchPresence(RequestID(json: "1"), [bob, carol]), by: alice)
      defer { driver.turn { $0.closed(request) } }
      return driver.taken(request)
    }
    #expect(answer() == ["watching [\"@bob online\", \"@carol offline\"]"])
    driver.isRegistryAway = true
    #expect(answer() == ["unavailable"])
    driver.say(.watchPresence(RequestID(json: "2"), [bob, carol]), alices)
    #expect(driver.taken(alices) == ["watching [\"@bob offline\", \"@carol offline\"]"])
    #expect(answer() == ["unavailable"])
    driver.isRegistryAway = false
    #expect(answer() == ["watching [\"@bob online\", \"@carol offline\"]"])
    #expect(driver.taken(alices) == ["@bob is online"])
  }

  @Test func `who is back in time is told of again where the registry has forgotten`() {
    let bobs = driver.connect(bob)
    driver.turn { $0.closed(bobs) }
    driver.registry.flush()
    driver.turn { $0.handle(.registrationsLost) }
    _ = driver.connect(bob)
    driver.pass(.seconds(2))
    let alices = driver.connect(alice)
    _ = driver.taken(alices)
    driver.say(.watchPresence(RequestID(json: "1"), [bob]), alices)
    #expect(driver.taken(alices) == ["watching [\"@bob online\"]"])
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

  @Test func `news that come late are put right, however late they are`() {
    let alices = driver.connect(alice)
    driver.say(.watchPresence(nil, [bob]), alices)
    driver.registry.setPresence(bob, at: server2)
    let online = Signal.presence(bob, Presence(state: .online))
    driver.turn { $0.handle(.arrived([.signal(online, recipients: [])])) }
    driver.pass(.seconds(10))
    _ = driver.taken(alices)
    let offline = Signal.presence(bob, Presence(state: .offline, lastSeen: 1))
    driver.turn { $0.handle(.arrived([.signal(offline, recipients: [])])) }
    driver.pass(.seconds(3))
    #expect(driver.taken(alices) == ["@bob is offline", "@bob is online"])
  }

  @Test func `nobody is told that who is connected here has gone`() {
    let alices = driver.connect(alice)
    driver.say(.watchPresence(nil, [bob]), alices)
    _ = driver.connect(bob)
    driver.pass(.seconds(10))
    _ = driver.taken(alices)
    let offline = Signal.presence(bob, Presence(state: .offline, lastSeen: 1))
    driver.turn { $0.handle(.arrived([.signal(offline, recipients: [])])) }
    driver.pass(.seconds(3))
    #expect(driver.taken(alices) == [])
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
