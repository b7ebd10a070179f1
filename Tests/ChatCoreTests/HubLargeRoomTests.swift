import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

private let lobby = ConversationID(room: "lobby")
private let lobbyAddress = Address.room("lobby")

/// Rooms of more sessions than are handed an entry at once.
@Suite struct HubLargeRoomTests {
  /// A room of which a turn hands out `share` sessions. They have read that it was made.
  private func largeRoom(
    of count: Int, share: Int, waitingMax: Int = 256
  ) -> (HubDriver, [UserID], [SessionID]) {
    var limits = HubLimits()
    limits.fanoutSessionsMax = share
    limits.fanoutsPerRoomMax = waitingMax
    let driver = HubDriver(limits: limits)
    let users = (0..<count).map { UserID("u\($0)")! }
    let sessions = users.map { driver.connect($0) }
    driver.say(.change("lobby", .create(RoomSettings(), members: users)), sessions[0])
    driver.pass(0)
    for session in sessions { _ = driver.taken(session) }
    return (driver, users, sessions)
  }

  @Test func `what a session read while it was on its way to it comes once`() {
    let (driver, users, sessions) = largeRoom(of: 10, share: 3)
    driver.isStoreHeld = true
    let late = driver.connect(users[9], device: "late", resume: [lobbyAddress: 0])
    driver.releaseFirst()
    driver.isStoreHeld = false
    for cid in ["c1", "c2"] { driver.say(.send(cid, to: lobbyAddress), sessions[0]) }
    driver.isStoreHeld = true
    driver.releaseFirst()
    #expect(driver.hub.counters.fanoutsWaiting == 2)
    // The first of the two reaches it while it reads both.
    for _ in 0..<4 { driver.turn { $0.timerFired() } }
    driver.releaseStore()
    driver.pass(.seconds(1))
    #expect(
      driver.taken(late) == ["ready", "#lobby 1", "#lobby 2", "#lobby 3"])
  }

  @Test func `a turn hands out one share of a large room`() {
    let (driver, _, sessions) = largeRoom(of: 10, share: 3)
    driver.say(.send("c1", to: lobbyAddress), sessions[0])
    let shares = (0..<4).map { _ in
      driver.turn { $0.timerFired() }
      return sessions.count { driver.taken($0).contains("#lobby 2") }
    }
    // The sender, who is in the first share, has its ack instead.
    #expect(shares == [2, 3, 3, 1])
    #expect(!driver.hub.isFanningOut)
  }

  @Test func `a large room is handed a share in each turn, in order`() {
    let (driver, users, sessions) = largeRoom(of: 10, share: 3)
    driver.say(.send("c1", to: lobbyAddress), sessions[0])
    driver.say(.send("c2", to: lobbyAddress), sessions[1])
    #expect(driver.hub.counters.fanoutsWaiting == 2)
    let late = driver.connect(users[9], device: "late", resume: [lobbyAddress: 0])
    driver.pass(0)
    #expect(driver.hub.counters.fanoutsWaiting == 0)
    #expect(driver.taken(sessions[0]) == ["ack 2", "#lobby 3"])
    #expect(driver.taken(sessions[1]) == ["ack 3", "#lobby 2"])
    for session in sessions[2...] {
      #expect(driver.taken(session) == ["#lobby 2", "#lobby 3"])
    }
    #expect(driver.taken(late) == ["ready", "#lobby 1", "#lobby 2", "#lobby 3"])
  }

  @Test func `what a large room cannot be handed in time is told of by a gap, and no removal is`() {
    let (driver, users, sessions) = largeRoom(of: 30, share: 1, waitingMax: 4)
    func say(_ numbers: Range<Int>) {
      for number in numbers {
        driver.say(.send("c\(number)", to: lobbyAddress), sessions[0])
        #expect(driver.hub.counters.fanoutsWaiting <= 5)
      }
    }
    say(0..<8)
    driver.say(.change("lobby", .kick(users[29])), sessions[0])
    say(8..<16)
    #expect(driver.hub.isFanningOut)
    driver.pass(0)
    #expect(driver.hub.counters.fanoutsWaiting == 0)
    #expect(driver.taken(sessions[1]) == driver.taken(sessions[2]))
    #expect(driver.taken(sessions[29]) == ["#lobby 2", "gap #lobby 2-10", "#lobby 10"])
    let others = driver.taken(sessions[28])
    #expect(others.count < 16)
    var follower = Follower(place: 1)
    for line in others { follower.read(line) }
    #expect(follower.place == 18)
  }

  @Test func `a gap in a large room comes behind what is being handed out`() {
    let (driver, _, sessions) = largeRoom(of: 4, share: 1)
    driver.say(.send("c1", to: lobbyAddress), sessions[0])
    driver.turn { hub in
      hub.announce(Gap(after: 2, before: 5), lobby, to: hub.rooms[lobby]!)
    }
    driver.pass(0)
    #expect(driver.taken(sessions[3]) == ["#lobby 2", "gap #lobby 2-5"])
  }

  @Test func `who goes while a large room is handed an entry takes nothing from the others`() {
    let (driver, _, sessions) = largeRoom(of: 7, share: 2)
    driver.say(.send("c1", to: lobbyAddress), sessions[0])
    driver.say(.send("c2", to: lobbyAddress), sessions[0])
    driver.turn { $0.timerFired() }
    for gone in [1, 2, 6] { driver.turn { $0.closed(sessions[gone]) } }
    driver.pass(0)
    for other in [3, 4, 5] { #expect(driver.taken(sessions[other]) == ["#lobby 2", "#lobby 3"]) }
  }

  @Test func `who is taken out with many devices is told so on each, and of what waits on some`() {
    let (driver, users, sessions) = largeRoom(of: 3, share: 1, waitingMax: 4)
    let devices = (0..<3).map { driver.connect(users[2], device: "extra \($0)") }
    driver.pass(0)
    for session in devices { _ = driver.taken(session) }
    for cid in ["c1", "c2", "c3"] { driver.say(.send(cid, to: lobbyAddress), sessions[0]) }
    driver.say(.change("lobby", .kick(users[2])), sessions[0])
    #expect(driver.taken(sessions[2]) == ["#lobby 2", "#lobby 3", "#lobby 4", "#lobby 5"])
    for session in devices { #expect(driver.taken(session) == ["gap #lobby 1-5", "#lobby 5"]) }
    driver.pass(0)
    for session in devices { #expect(driver.taken(session) == []) }
  }

  @Test func `thousands who come and go while nothing is handed out wait as few entries`() throws {
    let (driver, users, sessions) = largeRoom(of: 30, share: 1, waitingMax: 4)
    let guests = (0..<40).map { UserID("guest\($0)")! }
    let guestSessions = guests.map { driver.connect($0) }
    for session in guestSessions { #expect(driver.taken(session) == ["ready"]) }
    func all(_ change: RoomChange, _ sessions: some Sequence<SessionID>) {
      for session in sessions {
        driver.say(.change("lobby", change), session)
        #expect(driver.hub.counters.fanoutsWaiting <= 5)
      }
    }
    for _ in 0..<30 {
      all(.join, guestSessions)
      all(.leave, guestSessions)
    }
    all(.join, guestSessions)
    all(.leave, guestSessions[..<20])
    let room = try #require(driver.hub.rooms[lobby])
    #expect(room.memberCount == 50)
    #expect(Set(room.sessions.map(\.id)) == Set(sessions + guestSessions[20...]))
    driver.pass(0)
    let head = Int(driver.store.head(lobby))
    #expect(head == 2_461)
    #expect(driver.hub.counters.condensed > 2_000)

    for session in sessions {
      var follower = Follower(place: 1)
      for line in driver.taken(session) { follower.read(line) }
      #expect(follower.place == head)
    }
    for (index, (guest, session)) in zip(guests, guestSessions).enumerated() {
      var follower = Follower(place: nil, stays: stays(of: guest, in: driver))
      for line in driver.taken(session) where line != "ok" { follower.read(line) }
      let isMember = index >= 20
      #expect(follower.place == (isMember ? head : nil))
      #expect((driver.hub.users[guest]?.membership(in: room) != nil) == isMember)
    }
    driver.say(.send("last", to: lobbyAddress), sessions[0])
    driver.pass(0)
    #expect(driver.taken(guestSessions[19]) == [])
    #expect(driver.taken(guestSessions[20]) == ["#lobby \(head + 1)"])
    #expect(driver.hub.users[users[0]]?.membership(in: room) != nil)
  }

  /// The entries with which the user came, each with the one with which they went.
  private func stays(of user: UserID, in driver: HubDriver) -> [Follower.Stay] {
    var stays: [Follower.Stay] = []
    for entry in driver.store.logs[lobby]! where entry.sender == user {
      switch entry.content.withBody({ RoomChange(body: $0) }) {
      case .join: stays.append(Follower.Stay(joined: Int(entry.sequence)))
      case .leave: stays[stays.count - 1].left = Int(entry.sequence)
      default: Issue.record("an entry of another kind")
      }
    }
    return stays
  }
}

/// A client that reads what `HubDriver.taken` says of the room.
private struct Follower {
  struct Stay {
    let joined: Int
    var left: Int?
  }

  /// The last number it had, nil while its user is out.
  var place: Int?
  var stays: [Stay] = []

  mutating func read(_ line: String) {
    let words = line.split(separator: " ")
    guard words.first == "gap" else {
      let sequence = Int(words[1])!
      if let place {
        #expect(sequence == place + 1)
      } else {
        #expect(stays.contains { $0.joined == sequence })
      }
      place = stays.contains { $0.left == sequence } ? nil : sequence
      return
    }
    let ends = words[2].split(separator: "-").map { Int($0)! }
    // What was written while its user was away ends where the next stay begins.
    if place == nil, stays.contains(where: { $0.joined == ends[1] }) { return }
    if let place {
      #expect(ends[0] == place)
    } else {
      #expect(stays.contains { $0.joined == ends[0] + 1 })
    }
    place = ends[1] - 1
  }
}
