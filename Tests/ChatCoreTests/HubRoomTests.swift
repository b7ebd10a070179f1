import ChatProtocol
import Simulation
import Testing

@testable import ChatCore

private let lobby = ConversationID(room: "lobby")
private let lobbyAddress = Address.room("lobby")
private let server2 = NodeID("server2")!

@Suite struct HubRoomTests {
  let driver = HubDriver()

  /// Says it, and gives what came of it.
  private func say(_ command: Command, _ session: SessionID) -> [String] {
    driver.say(command, session)
    // A room that is new here is read from the store at once.
    driver.pass(0)
    return driver.taken(session)
  }

  /// A room of alice's with these members, whose sessions are in it.
  private func makeRoom(members: UserID..., isPublic: Bool = true) -> SessionID {
    let session = driver.connect(alice)
    _ = driver.taken(session)
    let settings = RoomSettings(isPublic: isPublic)
    #expect(
      say(.change("lobby", .create(settings, members: members)), session) == ["ok", "#lobby 1"])
    return session
  }

  @Test func `a room's members get what is written in it, the sender the ack`() {
    let bobs = driver.connect(bob)
    _ = driver.taken(bobs)
    let alices = makeRoom(members: bob)
    #expect(driver.taken(bobs) == ["#lobby 1"])
    #expect(say(.send("c1", to: lobbyAddress), alices) == ["ack 2"])
    #expect(driver.taken(bobs) == ["#lobby 2"])
    #expect(say(.send("c2", to: lobbyAddress), bobs) == ["ack 3"])
    #expect(driver.taken(alices) == ["#lobby 3"])
  }

  @Test func `who is no member, and who writes where no room is, is told the same`() {
    _ = makeRoom()
    let bobs = driver.connect(bob)
    _ = driver.taken(bobs)
    #expect(say(.send("c1", to: lobbyAddress), bobs) == ["not_found"])
    #expect(say(.send("c2", to: .room("nowhere")), bobs) == ["not_found"])
    #expect(say(.history(lobbyAddress, .latest), bobs) == ["not_found"])
    #expect(say(.history(.room("nowhere"), .latest), bobs) == ["not_found"])
  }

  @Test func `a member joins, reads on, and leaves with the entry that says so`() {
    let alices = makeRoom()
    let bobs = driver.connect(bob)
    _ = driver.taken(bobs)
    #expect(say(.change("lobby", .join), bobs) == ["ok", "#lobby 2"])
    #expect(driver.taken(alices) == ["#lobby 2"])
    #expect(say(.change("lobby", .leave), bobs) == ["ok", "#lobby 3"])
    #expect(say(.send("c1", to: lobbyAddress), alices) == ["#lobby 3", "ack 4"])
    #expect(driver.taken(bobs) == [])
  }

  @Test func `who is taken out is told, and gets nothing more`() {
    let bobs = driver.connect(bob)
    let alices = makeRoom(members: bob)
    _ = driver.taken(bobs)
    #expect(say(.change("lobby", .kick(bob)), alices) == ["ok", "#lobby 2"])
    #expect(driver.taken(bobs) == ["#lobby 2"])
    _ = say(.send("c1", to: lobbyAddress), alices)
    #expect(driver.taken(bobs) == [])
  }

  @Test func `a device that comes back gets what it missed in the room`() {
    let alices = makeRoom(members: bob)
    _ = say(.send("c1", to: lobbyAddress), alices)
    let bobs = driver.connect(bob, resume: [lobbyAddress: 1])
    #expect(driver.taken(bobs) == ["ready", "#lobby 2"])
  }

  @Test func `what was written while a member was out of a private room is a gap`() {
    let alices = makeRoom(members: bob, isPublic: false)
    for change in [RoomChange.kick(bob), .invite([bob])] {
      _ = say(.change("lobby", change), alices)
    }
    _ = say(.send("c1", to: lobbyAddress), alices)
    // bob sees what is above 2: the invitation is 3.
    let bobs = driver.connect(bob, resume: [lobbyAddress: 1])
    #expect(driver.taken(bobs) == ["ready", "gap #lobby 1-3", "#lobby 3", "#lobby 4"])
    #expect(say(.history(lobbyAddress, .after(0)), bobs) == ["page [3, 4]"])
  }

  // MARK: - Nodes

  @Test func `a hub subscribes to a room once, and lets go with its last member`() {
    let bobs = driver.connect(bob)
    _ = driver.takeRegistryRequests()
    let alices = makeRoom(members: bob)
    #expect(driver.takeRegistryRequests().filter(\.isSubscription).count == 1)
    driver.turn { $0.closed(alices) }
    #expect(driver.takeRegistryRequests().filter(\.isSubscription).isEmpty)
    driver.turn { $0.closed(bobs) }
    #expect(driver.takeRegistryRequests().filter(\.isSubscription).count == 1)
    #expect(driver.hub.counters.rooms == 0)
  }

  @Test func `one envelope goes to each node of the room, and none for its members`() {
    let alices = makeRoom(members: bob, carol)
    for shard in 0..<3 { driver.subscribe(.room("lobby"), at: server2, shard: shard) }
    _ = driver.takePublications()
    _ = say(.send("c1", to: lobbyAddress), alices)
    let publications = driver.takePublications()
    #expect(publications.map(\.destination) == [.node(server2)])
    guard case .deliver(let delivery) = publications.first?.envelope else {
      Issue.record("no delivery")
      return
    }
    #expect(delivery.recipients == [])
    #expect(delivery.message.sequence == 2)
  }

  @Test func `an entry from another node makes a user here a member`() {
    let bobs = driver.connect(bob)
    _ = driver.taken(bobs)
    driver.write(lobby, alice, .create(RoomSettings(), members: []))
    let entry = driver.write(lobby, alice, .invite([bob]))
    driver.turn {
      $0.handle(.arrived([.deliver(Delivery(message: entry, recipients: [bob]))]))
    }
    driver.pass(0)
    #expect(driver.taken(bobs) == ["#lobby 2"])
    // Later ones come by the room.
    let next = driver.write(lobby, alice, "c1")
    driver.turn { $0.handle(.arrived([.deliver(Delivery(message: next, recipients: []))])) }
    #expect(driver.taken(bobs) == ["#lobby 3"])
  }

  @Test func `what came before the subscription is read`() {
    let bobs = driver.connect(bob)
    _ = driver.taken(bobs)
    driver.write(lobby, alice, .create(RoomSettings(), members: []))
    let entry = driver.write(lobby, alice, .invite([bob]))
    driver.write(lobby, alice, "c1")
    driver.turn {
      $0.handle(.arrived([.deliver(Delivery(message: entry, recipients: [bob]))]))
    }
    driver.pass(0)
    #expect(driver.taken(bobs) == ["#lobby 2", "#lobby 3"])
  }

  @Test func `a membership that nobody told of is found by a sweep`() {
    let bobs = driver.connect(bob)
    _ = driver.taken(bobs)
    driver.write(lobby, alice, .create(RoomSettings(), members: [bob]))
    driver.pass(.seconds(80))
    #expect(driver.taken(bobs) == ["#lobby 1"])
    let next = driver.write(lobby, alice, "c1")
    driver.turn { $0.handle(.arrived([.deliver(Delivery(message: next, recipients: []))])) }
    #expect(driver.taken(bobs) == ["#lobby 2"])
  }

  @Test func `a membership that ended unheard ends with a sweep`() {
    let bobs = driver.connect(bob)
    let alices = makeRoom(members: bob)
    driver.turn { $0.closed(alices) }
    _ = driver.taken(bobs)
    driver.write(lobby, alice, .kick(bob))
    driver.pass(.seconds(80))
    #expect(driver.hub.counters.rooms == 0)
  }

  // MARK: - How many members there are

  private var memberCount: Int? { driver.hub.rooms[lobby]?.memberCount }

  @Test func `who is named many times, or is a member, counts once`() {
    let bobs = driver.connect(bob)
    _ = driver.taken(bobs)
    let alices = makeRoom(members: bob)
    #expect(memberCount == 2)
    let invited = Array(repeating: carol, count: 60) + [alice, bob]
    #expect(say(.change("lobby", .invite(invited)), alices) == ["ok", "#lobby 2"])
    #expect(memberCount == 3)
    #expect(say(.change("lobby", .kick(carol)), alices) == ["ok", "#lobby 3"])
    #expect(memberCount == 2)
  }

  @Test func `how many members there are is what the store says, once a list is read`() {
    let alices = makeRoom()
    #expect(say(.change("lobby", .invite([carol])), alices) == ["ok", "#lobby 2"])
    // Nobody here knows that carol is a member.
    let dave = UserID("dave")!
    #expect(say(.change("lobby", .invite([carol, dave])), alices) == ["ok", "#lobby 3"])
    #expect(memberCount == 4)
    driver.pass(.seconds(80))
    #expect(memberCount == 3)
  }

  @Test func `entries that the store has counted already count no more`() throws {
    let alices = makeRoom()
    let room = try #require(driver.hub.rooms[lobby])
    let join = driver.write(lobby, bob, .join)
    driver.write(lobby, carol, .join)
    let bobs = driver.connect(bob)
    #expect(room.memberCount == 3)
    driver.turn { $0.handle(.arrived([.deliver(Delivery(message: join, recipients: [bob]))])) }
    #expect(driver.taken(alices) == ["#lobby 2"])
    #expect(driver.taken(bobs) == ["ready"])
    #expect(room.memberCount == 3)
    // A list from before what was handed out since.
    room.count(1, at: 1)
    #expect(room.memberCount == 3)
  }
}

extension RegistryRequest.Operation {
  fileprivate var isSubscription: Bool {
    switch self {
    case .subscribe, .unsubscribe: true
    default: false
    }
  }
}
