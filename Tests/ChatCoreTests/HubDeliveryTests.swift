import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

@Suite
struct HubDeliveryTests {
  /// Messages that another node stored: bob to alice, `count` of them.
  private func written(_ count: Int, in driver: HubDriver) -> [Message] {
    (1...count).map { driver.write(bob, alice, "b\($0)") }
  }

  @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 2, 1, 0], [2, 0, 1, 1]])
  func `hands out in order, each message once`(_ order: [Int]) {
    let driver = HubDriver()
    let session = driver.connect(alice)
    let messages = written(3, in: driver)
    for index in order { driver.arrive(messages[index]) }
    #expect(driver.taken(session) == ["ready", "@bob 1", "@bob 2", "@bob 3"])
    driver.pass(.seconds(1))
    #expect(driver.taken(session) == [])
  }

  @Test
  func `asks the store for what is missing after 50 ms`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    let messages = written(3, in: driver)
    driver.arrive(messages[2])
    #expect(driver.taken(session) == ["ready"])
    driver.pass(.milliseconds(49))
    #expect(driver.taken(session) == [])
    driver.pass(.milliseconds(2))
    #expect(driver.taken(session) == ["@bob 1", "@bob 2", "@bob 3"])
  }

  @Test
  func `asks again while the store is away, for as long as that takes`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    let messages = written(3, in: driver)
    driver.isStoreAway = true
    driver.arrive(messages[2])
    driver.pass(.seconds(100))
    #expect(driver.taken(session) == ["ready"])
    driver.isStoreAway = false
    driver.pass(.seconds(2))
    #expect(driver.taken(session) == ["@bob 1", "@bob 2", "@bob 3"])
  }

  @Test
  func `says gap and goes on when the store can read all but what is missing`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    let messages = written(3, in: driver)
    driver.isLogUnreadable = true
    driver.arrive(messages[2])
    for number in 0..<60 {
      driver.pass(.seconds(1))
      driver.say(.conversations(RequestID(json: "\(number)")), session)
    }
    #expect(
      driver.taken(session).filter { $0 != "conversations" } == ["ready", "gap @bob 0-3", "@bob 3"])
  }

  @Test
  func `says gap and goes on when the store has not what is missing`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    var message = driver.write(bob, alice, "b1")
    message.sequence = 4
    driver.arrive(message)
    driver.pass(.seconds(50))
    #expect(driver.taken(session) == ["ready", "@bob 1", "gap @bob 1-4", "@bob 4"])
  }

  @Test
  func `closes a wide hole up to a limit, then says gap`() {
    var limits = HubLimits()
    limits.holeMessagesMax = 4
    limits.holePageMax = 2
    let driver = HubDriver(limits: limits)
    let session = driver.connect(alice)
    driver.arrive(written(9, in: driver)[8])
    driver.pass(.seconds(1))
    #expect(
      driver.taken(session) == [
        "ready", "@bob 1", "@bob 2", "@bob 3", "@bob 4", "gap @bob 4-9", "@bob 9",
      ])
  }

  @Test
  func `holds a bounded number of messages and fetches the others`() {
    var limits = HubLimits()
    limits.messagesHeldMax = 2
    let driver = HubDriver(limits: limits)
    let session = driver.connect(alice)
    let messages = written(6, in: driver)
    for index in [5, 4, 3, 2, 1] { driver.arrive(messages[index]) }
    driver.arrive(messages[0])
    #expect(driver.taken(session) == ["ready", "@bob 1", "@bob 2", "@bob 3"])
    driver.pass(.seconds(1))
    #expect(driver.taken(session) == ["@bob 4", "@bob 5", "@bob 6"])
  }

  @Test
  func `an ack may overtake the message before it`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    let other = driver.connect(alice, device: "d2")
    let first = driver.write(bob, alice, "b1")
    driver.say(.send("a1", to: .user(bob)), session)
    #expect(driver.taken(session) == ["ready", "ack 2"])
    #expect(driver.taken(other) == ["ready"])
    driver.arrive(first)
    #expect(driver.taken(session) == ["@bob 1"])
    #expect(driver.taken(other) == ["@bob 1", "@bob 2"])
  }

  @Test
  func `an arrival during the load is neither lost nor doubled`() {
    for committedBeforeRead in [true, false] {
      let driver = HubDriver()
      driver.write(bob, alice, "b1")
      driver.isStoreHeld = true
      let session = driver.connect(alice, resume: [.user(bob): 1])
      let request = driver.heldRequests[0]
      let early = driver.store
      let message = driver.write(bob, alice, "b2")
      driver.arrive(message)
      if !committedBeforeRead {
        // The read saw the log as it was before.
        var store = early
        let result = store.perform(request.operation)
        driver.turn { $0.completed([StoreReply(token: request.token, result: result)]) }
      }
      driver.releaseStore()
      #expect(driver.taken(session) == ["ready", "@bob 2"])
    }
  }

  // MARK: - Repair

  @Test
  func `finds within a minute or so what nobody delivered`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.write(bob, alice, "b1")
    driver.write(carol, alice, "c1")
    driver.pass(.seconds(80))
    #expect(driver.taken(session).sorted() == ["@bob 1", "@carol 1", "ready"])
  }

  @Test
  func `while the bus is away, what others write comes within three seconds`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.turn { $0.handle(.busInterrupted) }
    for number in 1...5 {
      driver.pass(.seconds(7))
      _ = driver.taken(session)
      driver.write(bob, alice, "b\(number)")
      driver.pass(.seconds(3))
      #expect(driver.taken(session) == ["@bob \(number)"])
    }
    // Also to who comes meanwhile.
    let late = driver.connect(carol)
    driver.write(bob, carol, "c1")
    driver.pass(.seconds(3))
    #expect(driver.taken(late) == ["ready", "@bob 1"])
    driver.turn { $0.handle(.busRecovered) }
    driver.pass(.seconds(3))
    driver.write(bob, alice, "b6")
    driver.pass(.seconds(3))
    #expect(driver.taken(session) == [])
  }

  @Test(arguments: [NodeEvent.busRecovered, .nodeLost(NodeID("server2")!)])
  func `finds at once what the bus or a lost node may have kept back`(event: NodeEvent) {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.write(bob, alice, "b1")
    driver.turn { $0.handle(event) }
    driver.pass(.milliseconds(100))
    #expect(driver.taken(session) == ["ready", "@bob 1"])
  }

  @Test
  func `spreads the sweeps of all users`() {
    var limits = HubLimits()
    limits.sweepsPerSecondMax = 10
    let driver = HubDriver(limits: limits)
    for number in 1...20 { _ = driver.connect(UserID("user\(number)")!) }
    driver.turn { $0.handle(.busRecovered) }
    driver.pass(.milliseconds(950))
    #expect(driver.hub.counters.sweeps == 10)
    driver.pass(.seconds(1))
    #expect(driver.hub.counters.sweeps == 20)
  }

  @Test
  func `says gap where it lost track of a conversation`() {
    var limits = HubLimits()
    limits.conversationsMax = 2
    let driver = HubDriver(limits: limits)
    let names = ["a", "b", "c"].map { UserID($0)! }
    for name in names { for count in 1...3 { driver.write(name, alice, "\(name)\(count)") } }
    let session = driver.connect(alice)
    _ = driver.take(session)
    driver.arrive(driver.write(names[2], alice, "new"))
    #expect(driver.taken(session) == ["gap @c 0-4", "@c 4"])
  }

  // MARK: - Congestion

  @Test
  func `sheds messages of a congested session and says where`() {
    let driver = HubDriver()
    let slow = driver.connect(alice)
    let quick = driver.connect(alice, device: "d2")
    let messages = written(4, in: driver)
    driver.arrive(messages[0])
    driver.turn { $0.setCongested(slow, true) }
    #expect(driver.isReading[slow] == false)
    driver.arrive(messages[1], messages[2])
    driver.turn { $0.setCongested(slow, false) }
    #expect(driver.isReading[slow] == true)
    driver.arrive(messages[3])
    #expect(driver.taken(slow) == ["ready", "@bob 1", "gap @bob 1-4", "@bob 4"])
    #expect(driver.taken(quick) == ["ready", "@bob 1", "@bob 2", "@bob 3", "@bob 4"])
  }

  @Test
  func `closes a session that stays congested for 10 s`() {
    let driver = HubDriver()
    let session = driver.connect(alice)
    driver.turn { $0.setCongested(session, true) }
    driver.pass(.seconds(6))
    driver.turn { $0.setCongested(session, false) }
    driver.turn { $0.setCongested(session, true) }
    driver.pass(.seconds(6))
    #expect(driver.closes[session] == nil)
    driver.pass(.seconds(5))
    #expect(driver.closes[session] == .slowConsumer)
  }
}
