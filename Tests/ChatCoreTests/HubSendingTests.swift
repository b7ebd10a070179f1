import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

@Suite
struct HubSendingTests {
  private let server2 = NodeID("server2")!
  private let server3 = NodeID("server3")!

  private func put(_ user: UserID, _ device: String, at node: NodeID, in driver: HubDriver) {
    let epoch = driver.registry.leases[node]!
    _ = driver.registry.perform(
      .register(user, device: device, connection: "s0-\(device)"), from: node, epoch: epoch)
  }

  @Test
  func `acks the sender and tells every other session of both`() {
    let driver = HubDriver()
    let sender = driver.connect(alice)
    let others = [driver.connect(alice, device: "d2"), driver.connect(bob)]
    let stranger = driver.connect(carol)
    for session in [sender, stranger] + others { _ = driver.take(session) }
    driver.say(.send("c1", to: .user(bob)), sender)
    #expect(driver.taken(sender) == ["ack 1"])
    #expect(driver.taken(others[0]) == ["@bob 1"])
    #expect(driver.taken(others[1]) == ["@alice 1"])
    #expect(driver.taken(stranger) == [])
  }

  @Test
  func `a note to oneself goes to the other devices`() {
    let driver = HubDriver()
    let sender = driver.connect(alice)
    let other = driver.connect(alice, device: "d2")
    driver.say(.send("c1", to: .user(alice)), sender)
    #expect(driver.taken(sender) == ["ready", "ack 1"])
    #expect(driver.taken(other) == ["ready", "@alice 1"])
  }

  @Test
  func `a room is not found`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.say(.send("c1", to: .room("general")), session)
    driver.say(.history(.room("general"), .latest), session)
    #expect(driver.taken(session) == ["ready", "not_found", "not_found"])
  }

  @Test
  func `changes of rooms without a cid are told apart whatever the node is called`() {
    let driver = HubDriver(node: NodeID(String(repeating: "n", count: UserID.bytesMax))!)
    let session = driver.connect(alice)
    _ = driver.take(session)
    let settings = RoomSettings(name: "", topic: "", isPublic: true)
    for room in ["one", "two"] {
      driver.say(.change(room, .create(settings, members: [])), session)
    }
    let clientIDs = driver.storeRequests.compactMap { operation in
      if case .changeRoom(let draft) = operation { draft.content.clientID } else { nil }
    }
    #expect(Set(clientIDs).count == 2)
    #expect(clientIDs.allSatisfy { $0.utf8.count <= Command.Send.clientIDBytesMax })
    #expect(!driver.taken(session).contains("conflict"))
  }

  @Test
  func `the same cid again is acked again, with another body it conflicts`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.say(.send("c1", to: .user(bob)), session)
    driver.say(.send("c1", to: .user(bob)), session)
    driver.say(.send("c1", to: .user(bob), text: "ho"), session)
    #expect(driver.taken(session) == ["ready", "ack 1", "ack 1 again", "conflict"])
  }

  @Test
  func `without the store nothing is acked`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.isStoreAway = true
    driver.say(.send("c1", to: .user(bob)), session)
    #expect(driver.taken(session) == ["ready", "unavailable"])
  }

  // MARK: - Other hubs and nodes

  @Test
  func `tells the other hubs of the node once`() {
    let driver = HubDriver(shardCount: 3)
    let session = driver.connect(alice)
    driver.say(.send("c1", to: .user(bob)), session)
    let message = driver.store.logs[ConversationID(direct: alice, bob)]![0]
    #expect(
      driver.localDeliveries.dropFirst() == [
        .envelope(.deliver(Delivery(message: message, recipients: [alice, bob])))
      ])
  }

  @Test
  func `sends one envelope per node, and none to itself`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    put(alice, "a2", at: server2, in: driver)
    put(bob, "b1", at: server2, in: driver)
    put(bob, "b2", at: server3, in: driver)
    put(bob, "b3", at: HubDriver.node, in: driver)
    driver.say(.send("c1", to: .user(bob)), session)
    let message = driver.store.logs[ConversationID(direct: alice, bob)]![0]
    let publications = driver.takePublications()
    #expect(publications.map(\.destination) == [.node(server2), .node(server3)])
    #expect(
      publications.map(\.envelope) == [
        .deliver(Delivery(message: message, recipients: [alice, bob])),
        .deliver(Delivery(message: message, recipients: [bob])),
      ])
  }

  @Test
  func `a duplicate goes to the other nodes again`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    put(bob, "b1", at: server2, in: driver)
    driver.say(.send("c1", to: .user(bob)), session)
    driver.say(.send("c1", to: .user(bob)), session)
    #expect(driver.takePublications().count == 2)
  }

  @Test
  func `asks once per turn where a user is`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.isStoreHeld = true
    for number in 1...10 { driver.say(.send("c\(number)", to: .user(bob)), session) }
    _ = driver.takeRegistryRequests()
    put(bob, "b1", at: server2, in: driver)
    driver.releaseStore()
    #expect(driver.takeRegistryRequests().count == 2)
    #expect(driver.takePublications().count == 10)
  }

  @Test
  func `tells every node when the registry is away, at a capped rate`() {
    var limits = HubLimits()
    limits.broadcastsBurst = 3
    limits.broadcastsPerSecond = 1
    let driver = HubDriver(limits: limits)
    let session = driver.connect(alice)
    driver.isRegistryAway = true
    for number in 1...10 { driver.say(.send("c\(number)", to: .user(bob)), session) }
    #expect(driver.takePublications().map(\.destination) == [.all, .all, .all])
    #expect(driver.hub.counters.broadcastsDropped == 7)
  }

  @Test
  func `looks up again where a route was dead, and then leaves it`() {
    let driver = HubDriver()
    let message = driver.write(alice, bob, "a1")
    put(bob, "b1", at: server3, in: driver)
    let delivery = Delivery(message: message, recipients: [bob])
    driver.turn { $0.handle(.returned([.deliver(delivery)], from: server2)) }
    let again = driver.takePublications()
    #expect(again.map(\.destination) == [.node(server3)])
    #expect(
      again.map(\.envelope) == [.deliver(Delivery(message: message, recipients: [bob], hops: 1))])
    let last = Delivery(message: message, recipients: [bob], hops: Delivery.hopsMax)
    driver.turn { $0.handle(.returned([.deliver(last)], from: server3)) }
    #expect(driver.takePublications().isEmpty)
  }

  @Test
  func `one hub of the node looks up again`() {
    let driver = HubDriver(shard: 1, shardCount: 2)
    let delivery = Delivery(message: driver.write(alice, bob, "a1"), recipients: [bob])
    driver.turn { $0.handle(.returned([.deliver(delivery)], from: server2)) }
    #expect(driver.takeRegistryRequests().isEmpty)
  }

  // MARK: - Limits

  @Test
  func `stops reading a socket with too many sends under way`() {
    var limits = HubLimits()
    limits.sendsInFlightMax = 2
    let driver = HubDriver(limits: limits)
    let session = driver.connect(alice)
    driver.isStoreHeld = true
    for number in 1...2 { driver.say(.send("c\(number)", to: .user(bob)), session) }
    #expect(driver.isReading[session] == nil)
    driver.say(.send("c3", to: .user(bob)), session)
    #expect(driver.isReading[session] == false)
    #expect(driver.heldRequests.count == 2)
    driver.releaseStore()
    #expect(driver.isReading[session] == true)
    #expect(driver.taken(session) == ["ready", "ack 1", "ack 2", "ack 3"])
  }

  @Test
  func `a hub with too many appends under way makes sessions wait in turn`() {
    var limits = HubLimits()
    limits.appendsInFlightMax = 1
    let driver = HubDriver(limits: limits)
    let sessions = [driver.connect(alice), driver.connect(bob), driver.connect(carol)]
    driver.isStoreHeld = true
    for session in sessions { driver.say(.send("c1", to: .user(carol)), session) }
    #expect(driver.heldRequests.count == 1)
    driver.releaseStore()
    for session in sessions {
      #expect(driver.taken(session).contains("ack 1"))
      #expect(driver.isReading[session] != false)
    }
  }

  @Test
  func `closes a session that goes on when it should wait`() {
    var limits = HubLimits()
    limits.sendsInFlightMax = 1
    limits.commandsDeferredMax = 3
    let driver = HubDriver(limits: limits)
    let session = driver.connect(alice)
    driver.isStoreHeld = true
    for number in 1...4 { driver.say(.send("c\(number)", to: .user(bob)), session) }
    #expect(driver.closes[session] == nil)
    driver.say(.ping(nil), session)
    #expect(driver.closes[session] == .overloaded)
    driver.releaseStore()
    #expect(driver.hub.counters.appendsInFlight == 0)
  }

  @Test
  func `refuses sends above the rate, and closes who does not stop`() {
    var limits = HubLimits()
    limits.sendsPerMinute = 60
    limits.sendsBurst = 2
    limits.refusalsMax = 5
    let driver = HubDriver(limits: limits)
    let session = driver.connect(alice)
    _ = driver.take(session)
    for number in 1...3 { driver.say(.send("c\(number)", to: .user(bob)), session) }
    let events = driver.take(session)
    guard case .error(_, .rateLimited, _, retryAfterMilliseconds: let wait?) = events.last else {
      Issue.record("\(events)")
      return
    }
    #expect((900...1_001).contains(wait))
    driver.pass(.milliseconds(Int64(wait)))
    driver.say(.send("c3", to: .user(bob)), session)
    #expect(driver.taken(session) == ["ack 3"])
    for _ in 1...5 { driver.say(.send("c4", to: .user(bob)), session) }
    #expect(driver.closes[session] == .rateLimited)
  }

  @Test
  func `every one of many requests at once gets an answer`() {
    var limits = HubLimits()
    limits.sendsPerMinute = 200
    limits.sendsBurst = 100
    let driver = HubDriver(limits: limits)
    _ = driver.connect(alice)
    driver.isRegistryHeld = true
    let requests = (1...150).map { driver.ask(.send("c\($0)", to: .user(bob)), by: alice) }
    driver.releaseRegistry()
    let answers = requests.map { driver.taken($0) }
    #expect(answers.prefix(100).elementsEqual((1...100).map { ["ack \($0)"] }))
    #expect(answers.dropFirst(100).allSatisfy { $0 == ["rate_limited"] })
  }

  @Test
  func `who is not connected may send as much as who is`() {
    var limits = HubLimits()
    limits.sendsPerMinute = 200
    limits.sendsBurst = 100
    let driver = HubDriver(limits: limits)
    for number in 1...100 {
      let request = driver.ask(.send("c\(number)", to: .user(bob)), by: alice)
      #expect(driver.taken(request) == ["ack \(number)"])
      driver.turn { $0.closed(request) }
    }
    #expect(driver.taken(driver.ask(.send("c", to: .user(bob)), by: alice)) == ["rate_limited"])
  }
}
