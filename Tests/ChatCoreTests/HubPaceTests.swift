import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

/// What costs everybody something and takes no token: one client's share of it is bounded.
@Suite struct HubPaceTests {
  private func watch(_ users: [UserID], id: Int) -> Command {
    .watchPresence(RequestID(json: "\(id)"), users)
  }

  private func users(_ range: Range<Int>) -> [UserID] { range.map { UserID("u\($0)")! } }

  // MARK: - Lists of users to watch

  @Test func `each list is answered, the second when the first one is`() {
    let driver = HubDriver()
    let alices = driver.connect(alice)
    _ = driver.taken(alices)
    driver.isRegistryHeld = true
    driver.say(watch([bob], id: 1), alices)
    driver.say(watch([bob, carol], id: 2), alices)
    driver.say(.ping(nil), alices)
    #expect(driver.isReading[alices] == false)
    driver.releaseRegistry()
    #expect(
      driver.taken(alices) == [
        "watching [\"@bob offline\"]", "pong", "watching [\"@bob offline\", \"@carol offline\"]",
      ])
    #expect(driver.isReading[alices] == true)
  }

  @Test func `a list asks the registry for what is new in it alone`() {
    let driver = HubDriver()
    let alices = driver.connect(alice)
    driver.say(watch([bob, carol], id: 1), alices)
    _ = driver.takeRegistryRequests()
    driver.say(watch([carol, bob], id: 2), alices)
    #expect(driver.takeRegistryRequests().isEmpty)
    driver.say(watch([carol], id: 3), alices)
    #expect(
      driver.takeRegistryRequests().map { "\($0)" } == ["\(unsubscribe(bob))"])
  }

  private func unsubscribe(_ user: UserID) -> RegistryRequest.Operation {
    .unsubscribe(.presence(user), shard: 0)
  }

  @Test func `a user's sessions have so many names a second`() {
    var limits = HubLimits()
    limits.watchedPerSecond = 10
    limits.watchedBurst = 20
    let driver = HubDriver(limits: limits)
    let sessions = ["d1", "d2"].map { driver.connect(alice, device: $0) }
    for session in sessions { _ = driver.taken(session) }
    func answers(_ session: SessionID) -> Int { driver.take(session).count }
    for id in 1...3 { driver.say(watch(users(0..<10), id: id), sessions[0]) }
    driver.say(watch(users(0..<10), id: 4), sessions[1])
    #expect(sessions.map(answers) == [2, 0])
    driver.pass(.milliseconds(900))
    #expect(sessions.map(answers) == [0, 0])
    driver.pass(.milliseconds(200))
    #expect(sessions.map(answers).reduce(0, +) == 1)
    driver.pass(.seconds(2))
    #expect(sessions.map(answers).reduce(0, +) == 1)
    #expect(sessions.allSatisfy { driver.isReading[$0] == true })
  }

  @Test func `a long list has its turn before short ones that came later`() {
    var limits = HubLimits()
    limits.watchedPerSecond = 10
    limits.watchedBurst = 20
    let driver = HubDriver(limits: limits)
    let sessions = ["d1", "d2"].map { driver.connect(alice, device: $0) }
    driver.say(watch(users(0..<20), id: 1), sessions[0])
    for session in sessions { _ = driver.taken(session) }
    driver.say(watch(users(20..<40), id: 2), sessions[0])
    for id in 3...30 { driver.say(watch([bob], id: id), sessions[1]) }
    driver.pass(.milliseconds(1_900))
    #expect(sessions.map { driver.take($0).count } == [0, 0])
    driver.pass(.milliseconds(200))
    #expect(driver.take(sessions[0]).count == 1)
    driver.pass(.seconds(1))
    #expect(9...12 ~= driver.take(sessions[1]).count)
    // Who has gone waits for nothing.
    driver.turn { $0.closed(sessions[1]) }
    driver.pass(.seconds(5))
    driver.say(watch([carol], id: 31), sessions[0])
    #expect(driver.take(sessions[0]).count == 1)
  }

  @Test func `a list longer than what may be asked at once is answered in its time`() {
    var limits = HubLimits()
    limits.watchedPerSecond = 10
    limits.watchedBurst = 20
    let driver = HubDriver(limits: limits)
    let alices = driver.connect(alice)
    _ = driver.taken(alices)
    driver.say(watch(users(0..<50), id: 1), alices)
    driver.say(watch(users(50..<100), id: 2), alices)
    #expect(driver.take(alices).count == 1)
    driver.pass(.seconds(3))
    #expect(driver.take(alices).count == 1)
  }

  // MARK: - States

  @Test func `a state that flaps is told now and then, and what it is in the end`() {
    let driver = HubDriver()
    let alices = driver.connect(alice)
    let bobs = driver.connect(bob)
    driver.pass(.seconds(10))
    driver.say(watch([bob], id: 1), alices)
    _ = driver.taken(alices)
    for number in 1...1_001 {
      driver.say(.setPresence(nil, number % 2 == 0 ? .online : .away), bobs)
    }
    #expect(driver.taken(alices).count == 4)
    driver.pass(.milliseconds(500))
    #expect(driver.taken(alices) == [])
    driver.pass(.seconds(2))
    #expect(driver.taken(alices) == ["@bob is away"])
    driver.pass(.seconds(60))
    #expect(driver.taken(alices) == [])
  }

  // MARK: - Marks

  @Test func `a session has so many marks under way`() {
    var limits = HubLimits()
    limits.marksInFlightMax = 2
    let driver = HubDriver(limits: limits)
    let alices = driver.connect(alice)
    for user in users(0..<5) { driver.say(.send("c-\(user)", to: .user(user)), alices) }
    _ = driver.taken(alices)
    driver.isStoreHeld = true
    for (index, user) in users(0..<5).enumerated() {
      let id = RequestID(json: "\(index)")
      driver.say(.mark(.init(id: id, to: .user(user), received: 1, read: 1)), alices)
    }
    #expect(driver.isReading[alices] == false)
    driver.pass(.seconds(1))
    #expect(driver.heldRequests.count == 2)
    driver.releaseStore()
    #expect(driver.taken(alices) == ["ok", "ok"])
    driver.pass(.seconds(1))
    #expect(driver.taken(alices) == ["ok", "ok", "ok"])
    #expect(driver.isReading[alices] == true)
  }

  // MARK: - Typing

  private func typists(_ limits: HubLimits) -> (driver: HubDriver, sessions: [SessionID]) {
    let driver = HubDriver(limits: limits)
    driver.write(ConversationID(room: "lobby"), alice, .create(RoomSettings(), members: [bob]))
    let sessions = ["d1", "d2"].map { driver.connect(alice, device: $0) } + [driver.connect(bob)]
    driver.pass(.seconds(1))
    for session in sessions { _ = driver.taken(session) }
    return (driver, sessions)
  }

  @Test func `who types in a room is told the seldomer the more are told`() {
    var limits = HubLimits()
    limits.roomTypingInterval = .milliseconds(100)
    let (driver, sessions) = typists(limits)
    driver.say(.typing(.room("lobby")), sessions[0])
    driver.say(.typing(.room("lobby")), sessions[1])
    #expect(driver.taken(sessions[2]) == ["#lobby @alice types"])
    driver.pass(.milliseconds(300))
    let signal = Signal.typing(in: ConversationID(room: "lobby"), carol)
    for _ in 1...2 { driver.turn { $0.handle(.arrived([.signal(signal, recipients: [])])) } }
    #expect(driver.taken(sessions[2]) == ["#lobby @carol types"])
  }

  @Test func `in a room of more sessions than a turn is for nobody hears who types`() {
    var limits = HubLimits()
    limits.fanoutSessionsMax = 2
    let (driver, sessions) = typists(limits)
    driver.say(.typing(.room("lobby")), sessions[0])
    #expect(driver.taken(sessions[2]) == [])
    #expect(driver.takePublications().isEmpty)
  }

  // MARK: - Devices

  @Test func `a user has so many sessions`() {
    var limits = HubLimits()
    limits.sessionsPerUserMax = 2
    let driver = HubDriver(limits: limits)
    let sessions = ["d1", "d2", "d3"].map { driver.connect(alice, device: $0) }
    #expect(sessions.map { driver.closes[$0] } == [nil, nil, .rateLimited])
    #expect(driver.taken(sessions[2]) == ["rate_limited"])
    // One of the two again takes its own place.
    let again = driver.connect(alice, device: "d2")
    #expect(driver.closes[sessions[1]] == .replaced)
    #expect(driver.taken(again) == ["ready"])
  }
}
