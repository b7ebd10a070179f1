import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

@Suite
struct HubHelloTests {
  @Test
  func `answers hello with ready and the heads`() throws {
    let driver = HubDriver()
    driver.write(bob, alice, "b1")
    driver.write(alice, bob, "a1")
    let session = driver.connect(alice, device: "phone")
    let events = driver.take(session)
    guard events.count == 1, case .ready(let ready) = events[0] else {
      Issue.record("\(events)")
      return
    }
    #expect(ready.user == alice)
    #expect(ready.device == "phone")
    #expect(ready.node == "server1")
    #expect(
      ready.conversations == [
        ConversationSummary(
          address: .user(bob), head: 2, received: 0, read: 0, unread: 1,
          peer: PeerMarks(received: 0, read: 0))
      ])
  }

  @Test
  func `a user in the address says hello by itself, and gets a device`() {
    let driver = HubDriver()
    let session = driver.open(user: alice)
    guard case .ready(let ready) = driver.take(session).first else {
      Issue.record("no ready")
      return
    }
    #expect(ready.user == alice)
    #expect(ready.device.hasPrefix("d-"))
  }

  @Test(arguments: [
    Command.ping(nil), .conversations(nil), .send("c1", to: .user(bob)),
    .unknown(nil, type: "typing"),
  ])
  func `closes a session that does not say hello first`(_ command: Command) {
    let driver = HubDriver()
    let session = driver.open()
    driver.say(command, session)
    #expect(driver.taken(session) == ["bad_request"])
    #expect(driver.closes[session] == .badProtocol)
  }

  @Test
  func `closes a session that says nothing for 5 s`() {
    let driver = HubDriver()
    let silent = driver.open()
    let talking = driver.connect(alice)
    driver.pass(.milliseconds(4_990))
    #expect(driver.closes[silent] == nil)
    driver.pass(.milliseconds(20))
    #expect(driver.closes[silent] == .helloTimeout)
    #expect(driver.closes[talking] == nil)
  }

  @Test(arguments: [(nil, nil), (nil, "t"), (alice, "t")] as [(UserID?, String?)])
  func `refuses tokens, and a hello without a user`(_ user: UserID?, _ token: String?) {
    let driver = HubDriver()
    let session = driver.open()
    driver.say(
      .hello(.init(id: nil, user: user, token: token, device: nil, resume: [:])), session)
    #expect(driver.taken(session) == ["unauthorized"])
    #expect(driver.closes[session] == .unauthorized)
  }

  @Test
  func `runs what was said before ready after it, in order`() {
    let driver = HubDriver()
    driver.isStoreHeld = true
    let session = driver.connect(alice)
    driver.say(.send("c1", to: .user(bob)), session)
    driver.say(.ping(nil), session)
    #expect(driver.taken(session) == [])
    #expect(driver.isReading[session] == false)
    driver.releaseStore()
    #expect(driver.taken(session) == ["ready", "pong", "ack 1"])
    #expect(driver.isReading[session] == true)
  }

  @Test
  func `a second hello is a bad request`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    _ = driver.take(session)
    driver.say(
      .hello(.init(id: nil, user: bob, token: nil, device: nil, resume: [:])), session)
    #expect(driver.taken(session) == ["bad_request"])
    #expect(driver.closes[session] == nil)
  }

  @Test
  func `without the store there is no ready`() {
    let driver = HubDriver()
    driver.isStoreAway = true
    let session = driver.connect(alice)
    #expect(driver.taken(session) == ["unavailable"])
    #expect(driver.closes[session] == .overloaded)
  }

  @Test
  func `without the registry there is, and the registration is made later`() {
    let driver = HubDriver()
    driver.isRegistryAway = true
    let session = driver.connect(alice)
    #expect(driver.taken(session) == ["ready"])
    _ = driver.takeRegistryRequests()
    driver.isRegistryAway = false
    // Written by a node that could not know where alice is.
    driver.write(bob, alice, "b1")
    driver.pass(.seconds(3))
    guard case .register(alice, device: "d1", connection: _) = driver.takeRegistryRequests().first
    else {
      Issue.record("not registered again")
      return
    }
    #expect(driver.taken(session) == ["@bob 1"])
  }

  @Test
  func `an embedded node asks no registry`() {
    let driver = HubDriver(isAlone: true)
    let session = driver.connect(alice)
    driver.say(.send("c1", to: .user(bob)), session)
    driver.turn { $0.closed(session) }
    #expect(driver.taken(session) == ["ready", "ack 1"])
    #expect(driver.takeRegistryRequests().isEmpty)
  }

  // MARK: - The same device again

  @Test
  func `a device that connects again replaces itself`() {
    let driver = HubDriver()
    let first = driver.connect(alice)
    let other = driver.connect(alice, device: "d2")
    let second = driver.connect(alice)
    #expect(driver.closes == [first: .replaced])
    #expect(driver.taken(second) == ["ready"])
    #expect(driver.taken(other) == ["ready"])
  }

  @Test
  func `a device that connects to another hub replaces its earlier session only`() {
    let driver = HubDriver(shardCount: 2)
    let session = driver.connect(alice)
    #expect(
      driver.localDeliveries == [
        .claimed(alice, device: "d1", at: driver.now, shard: 0)
      ])
    driver.turn {
      $0.deliver(.claimed(alice, device: "d1", at: driver.now - 1, shard: 1))
      $0.deliver(.claimed(alice, device: "d2", at: driver.now + 1, shard: 1))
    }
    #expect(driver.closes[session] == nil)
    driver.turn { $0.deliver(.claimed(alice, device: "d1", at: driver.now, shard: 1)) }
    #expect(driver.closes[session] == .replaced)
  }

  @Test
  func `a device that was on another node is closed there`() {
    let driver = HubDriver()
    let node = NodeID("server2")!
    _ = driver.registry.perform(
      .register(alice, device: "d1", connection: "s0-9"), from: node, epoch: 7)
    _ = driver.connect(alice)
    let publications = driver.takePublications()
    #expect(publications.map(\.destination) == [.node(node)])
    #expect(publications.map(\.envelope) == [.replace(alice, device: "d1", connection: "s0-9")])
  }

  @Test
  func `closes the connection that another node replaced, and no later one`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    guard case .ready(let ready) = driver.take(session).first else { return }
    driver.turn { $0.handle(.arrived([.replace(alice, device: "d1", connection: "s0-z")])) }
    #expect(driver.closes[session] == nil)
    driver.turn {
      $0.handle(.arrived([.replace(alice, device: "d1", connection: ready.session)]))
    }
    #expect(driver.closes[session] == .replaced)
  }

  @Test
  func `gives a device back that it took from another node when its own connection had closed`() {
    let driver = HubDriver()
    let id = driver.connect(alice)
    let owner = RouteOwner(node: NodeID("server2")!, epoch: 7, connection: "s0-9")
    driver.turn { hub in
      let session = hub.sessions[id]!
      hub.closed(id)
      hub.registered(session, of: alice, .registered(replaced: owner))
    }
    #expect(
      driver.takePublications().map(\.envelope) == [
        .restore(alice, device: "d1", connection: "s0-9")
      ])
  }

  @Test
  func `gives a device back that it took from another node when it goes`() {
    let driver = HubDriver()
    let node = NodeID("server2")!
    driver.register(alice, "d1", at: node)
    let id = driver.connect(alice)
    #expect(
      driver.takePublications().map(\.envelope) == [.replace(alice, device: "d1", connection: "c")])
    driver.turn { $0.closed(id) }
    #expect(
      driver.takePublications().map(\.envelope).contains(
        .restore(alice, device: "d1", connection: "c")))
  }

  @Test
  func `registers again what another connection took and gives back`() {
    let driver = HubDriver()
    let node = NodeID("server2")!
    let id = driver.connect(alice)
    guard case .ready(let ready) = driver.take(id).first else { return }
    func restore(_ connection: String) -> RegistryReply.Result {
      let epoch = driver.registry.leases[node]!
      for operation in [
        RegistryRequest.Operation.register(alice, device: "d1", connection: "s0-9"),
        .unregister(alice, device: "d1", connection: "s0-9"),
      ] { _ = driver.registry.perform(operation, from: node, epoch: epoch) }
      driver.turn {
        $0.handle(.arrived([.restore(alice, device: "d1", connection: connection)]))
      }
      return driver.registry.perform(.nodes(of: alice), from: node, epoch: epoch)
    }
    #expect(restore("s0-z") == .nodes([], isGuarded: true))
    #expect(restore(ready.session) == .nodes([HubDriver.node], isGuarded: true))
    #expect(driver.closes[id] == nil)
  }

  @Test
  func `registers again what a late registration of a connection that has gone may have taken`() {
    let driver = HubDriver()
    let node = NodeID("server2")!
    let id = driver.connect(alice)
    func lose() {
      let epoch = driver.registry.leases[node]!
      for operation in [
        RegistryRequest.Operation.register(alice, device: "d1", connection: "late"),
        .unregister(alice, device: "d1", connection: "late"),
      ] { _ = driver.registry.perform(operation, from: node, epoch: epoch) }
    }
    func nodes() -> RegistryReply.Result {
      driver.registry.perform(.nodes(of: alice), from: node, epoch: driver.registry.leases[node]!)
    }
    lose()
    #expect(nodes() == .nodes([], isGuarded: true))
    driver.turn { $0.handle(.arrived([.restore(alice, device: "d1", connection: "")])) }
    #expect(nodes() == .nodes([HubDriver.node], isGuarded: true))
    lose()
    _ = driver.takePublications()
    driver.turn { $0.handle(.registrationUndone(alice, device: "d1")) }
    #expect(nodes() == .nodes([HubDriver.node], isGuarded: true))
    #expect(
      driver.takePublications().contains {
        $0 == (.all, .restore(alice, device: "d1", connection: ""))
      })
    #expect(driver.closes[id] == nil)
  }

  @Test
  func `what the bus may have lost of devices that moved is said and asked again`() {
    let driver = HubDriver()
    let node = NodeID("server2")!
    driver.register(alice, "d1", at: node)
    let taker = driver.connect(alice)
    let overtaken = driver.connect(bob)
    _ = driver.takePublications()
    driver.register(bob, "d1", at: node)
    driver.turn { $0.handle(.busRecovered) }
    driver.pass(.seconds(1))
    #expect(
      driver.takePublications().map(\.envelope).contains(
        .replace(alice, device: "d1", connection: "c")))
    #expect(driver.closes[taker] == nil)
    #expect(driver.closes[overtaken] == .draining)
  }

  @Test
  func `leaves a device to the node that it moved to while the registry was away`() {
    let driver = HubDriver()
    let node = NodeID("server2")!
    let id = driver.connect(alice)
    driver.register(alice, "d1", at: node)
    driver.turn { $0.handle(.registrationsLost) }
    driver.pass(.milliseconds(10))
    #expect(driver.closes[id] == .draining)
    #expect(
      driver.registry.perform(.nodes(of: alice), from: node, epoch: driver.registry.leases[node]!)
        == .nodes([node], isGuarded: true))
  }

  @Test
  func `drops the route when the session ends`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.turn { $0.closed(session) }
    #expect(
      driver.registry.perform(.nodes(of: alice), from: HubDriver.node, epoch: 1)
        == .nodes([], isGuarded: true))
    #expect(driver.hub.counters.sessions == 0)
    #expect(driver.hub.counters.users == 0)
  }

  @Test
  func `registers everyone again when the registry forgot them`() {
    let driver = HubDriver()
    _ = driver.connect(alice)
    _ = driver.connect(bob)
    driver.registry.flush()
    driver.turn { $0.handle(.registrationsLost) }
    driver.pass(.milliseconds(10))
    for user in [alice, bob] {
      let result = driver.registry.perform(.nodes(of: user), from: HubDriver.node, epoch: 1)
      #expect(result == .nodes([HubDriver.node], isGuarded: true))
    }
  }
}
