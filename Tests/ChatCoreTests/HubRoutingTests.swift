import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

struct HubRoutingTests {
  private static let server2 = NodeID("server2")!
  private static let server3 = NodeID("server3")!

  private let driver: HubDriver
  private let session: SessionID

  /// Alice is here, bob at server2, and both routes are kept.
  init() {
    var limits = HubLimits()
    limits.unverifiedMessagesMax = 4
    limits.broadcastsBurst = 1
    limits.broadcastsPerSecond = 1
    driver = HubDriver(limits: limits)
    session = driver.connect(alice)
    driver.register(bob, "b1", at: Self.server2)
    driver.say(.send("first", to: .user(bob)), session)
    driver.pass(.milliseconds(20))
    _ = driver.takePublications()
    _ = driver.takeRegistryRequests()
  }

  private func send(_ clientID: String) { driver.say(.send(clientID, to: .user(bob)), session) }

  /// Where each message went since the last call.
  private func published() -> [String] {
    driver.takePublications().map { destination, envelope in
      guard case .deliver(let delivery) = envelope else { return "\(envelope)" }
      let node = if case .node(let node) = destination { node.name } else { "all" }
      return "\(delivery.message.clientID) to \(node) for \(delivery.recipients)"
    }
  }

  private var lookups: Int {
    driver.takeRegistryRequests().count { if case .nodes = $0 { true } else { false } }
  }

  @Test func `a kept route is not looked up again`() {
    send("c1")
    send("c2")
    #expect(published() == ["c1 to server2 for [@bob]", "c2 to server2 for [@bob]"])
    #expect(driver.takeRegistryRequests().isEmpty)
    #expect(driver.hub.counters.routedAsKept == 2)
  }

  @Test func `messages by kept routes share a barrier, and then none is asked for`() {
    send("c1")
    driver.pass(.milliseconds(5))
    send("c2")
    #expect(driver.hub.routes.unverifiedCount == 2)
    driver.pass(.milliseconds(10))
    #expect(driver.takeRegistryRequests().map { "\($0)" } == ["barrier"])
    #expect(driver.hub.routes.unverifiedCount == 0)
    driver.pass(.seconds(1))
    #expect(driver.takeRegistryRequests().isEmpty)
  }

  @Test func `a message that went to a former node goes to the new one`() {
    driver.register(bob, "b1", at: Self.server3)
    send("c1")
    #expect(published() == ["c1 to server2 for [@bob]"])
    driver.tellChanges()
    #expect(published() == ["c1 to server3 for [@bob]"])
    send("c2")
    #expect(published() == ["c2 to server3 for [@bob]"])
    #expect(driver.hub.counters.reroutes == 1)
  }

  @Test func `a second device gets what the first one got, and only once each`() {
    send("c1")
    driver.register(bob, "b2", at: Self.server3)
    send("c2")
    _ = published()
    driver.tellChanges()
    #expect(published() == ["c1 to server3 for [@bob]", "c2 to server3 for [@bob]"])
    send("c3")
    #expect(published() == ["c3 to server2 for [@bob]", "c3 to server3 for [@bob]"])
  }

  @Test func `a recipient who was nowhere and comes gets what was sent meanwhile`() {
    driver.say(.send("c1", to: .user(carol)), session)
    driver.register(carol, "d1", at: Self.server3)
    driver.say(.send("c2", to: .user(carol)), session)
    #expect(published() == [])
    driver.tellChanges()
    // The first was looked up, so carol's registration came after it, and the log has it.
    #expect(published() == ["c2 to server3 for [@carol]"])
  }

  @Test func `the sender's devices elsewhere are rerouted too`() {
    send("c1")
    _ = published()
    driver.register(alice, "d2", at: Self.server3)
    driver.tellChanges()
    #expect(published() == ["c1 to server3 for [@alice]"])
  }

  @Test func `behind a barrier a change concerns later messages only`() {
    send("c1")
    driver.pass(.milliseconds(20))
    _ = published()
    driver.register(bob, "b1", at: Self.server3)
    driver.tellChanges()
    #expect(published() == [])
    send("c2")
    #expect(published() == ["c2 to server3 for [@bob]"])
  }

  @Test func `a message routed after the barrier was asked for waits for the next`() {
    send("c1")
    let number = driver.hub.routes.nextNumber
    send("c2")
    driver.turn { $0.barrierAnswered(below: number, .passed) }
    #expect(driver.hub.routes.unverifiedCount == 1)
    _ = published()
    driver.register(bob, "b1", at: Self.server3)
    driver.tellChanges()
    #expect(published() == ["c2 to server3 for [@bob]"])
  }

  @Test func `when the registry can't tell any more everything unverified is looked up`() {
    send("c1")
    driver.register(bob, "b1", at: Self.server3)
    _ = published()
    driver.turn { $0.handle(.routesForgotten) }
    #expect(published() == ["c1 to server3 for [@bob]"])
  }

  @Test func `a barrier that nobody can pass forgets the routes`() {
    send("c1")
    driver.isRegistryAway = true
    driver.pass(.milliseconds(20))
    #expect(published() == ["c1 to server2 for [@bob]", "c1 to all for [@alice, @bob]"])
    driver.isRegistryAway = false
    send("c2")
    #expect(lookups > 0)
  }

  @Test func `what is not guarded is not kept`() {
    driver.isRegistryGuarding = false
    driver.turn { $0.handle(.routesForgotten) }
    send("c1")
    send("c2")
    #expect(lookups == 4)
    #expect(driver.hub.routes.count == 0)
  }

  @Test func `with too many messages unverified routes are looked up`() {
    for number in 1...6 { send("c\(number)") }
    #expect(driver.hub.routes.unverifiedCount == 4)
    #expect(lookups == 4)
    #expect(published().count == 6)
  }

  @Test func `the end of a node's lease ends its kept routes`() {
    driver.registry.leases[Self.server2] = nil
    driver.turn { $0.handle(.nodeLost(Self.server2)) }
    send("c1")
    #expect(published() == [])
  }

  @Test func `a returned message ends the route it went by`() {
    send("c1")
    let returned = driver.takePublications().map(\.envelope)
    driver.turn { $0.handle(.returned(returned, from: Self.server2)) }
    // The registry knows of no other place; the hub has asked again, once for all.
    #expect(published() == ["c1 to server2 for [@bob]"])
    #expect(lookups == 1)
  }

  @Test func `beyond the rate of broadcasts a message goes where its recipient was last`() {
    driver.isRegistryAway = true
    driver.turn { $0.handle(.routesForgotten) }
    for number in 1...2 { send("c\(number)") }
    #expect(published() == ["c1 to all for [@alice, @bob]", "c2 to server2 for [@bob]"])
    driver.say(.send("c3", to: .user(carol)), session)
    #expect(published() == [])
    #expect(driver.hub.counters.broadcastsDropped == 1)
  }

  @Test func `a guess that is returned does not go round for ever`() {
    driver.isRegistryAway = true
    driver.turn { $0.handle(.routesForgotten) }
    send("c1")
    send("c2")
    var rounds = 0
    while case let publications = driver.takePublications().filter({ $0.destination != .all }),
      !publications.isEmpty, rounds < 10
    {
      rounds += 1
      driver.turn { $0.handle(.returned(publications.map(\.envelope), from: Self.server2)) }
    }
    #expect(rounds == Int(Delivery.hopsMax) + 1)
  }
}
