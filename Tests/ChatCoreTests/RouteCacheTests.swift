import ChatProtocol
import Testing

@testable import ChatCore

struct RouteCacheTests {
  private let users = (0..<100).map { UserID("user\($0)")! }
  private let server = NodeID("server2")!

  private func message(_ sequence: UInt64, to user: UserID, bytes: Int = 0) -> Message {
    Message(
      conversation: ConversationID(direct: alice, user), sequence: sequence, sender: alice,
      clientID: "c\(sequence)", timestamp: 1, body: [UInt8](repeating: 0, count: bytes),
      reference: nil)
  }

  @Test func `keeps what is used and drops what is not`() {
    var cache = RouteCache(routesMax: 8, unverifiedMax: 10, unverifiedBytesMax: 1_000)
    for user in users {
      cache.insert([server], of: user)
      let used = cache.route(to: users[0])
      #expect(used != nil)
      #expect(cache.count <= 8)
    }
    let (last, unused) = (cache.route(to: users[99]), cache.route(to: users[1]))
    #expect(last != nil)
    #expect(unused == nil)
  }

  @Test func `a route with an unverified message stays until that is verified`() throws {
    var cache = RouteCache(routesMax: 4, unverifiedMax: 10, unverifiedBytesMax: 1_000)
    cache.insert([server], of: users[0])
    let sent = message(1, to: users[0])
    let route = cache.route(to: users[0])
    cache.sent(sent, to: [users[0]], by: [try #require(route)])
    for user in users[1..<50] { cache.insert([server], of: user) }
    #expect(cache.count <= 5)
    let removed = cache.remove(users[0])
    #expect(removed?.messages == [sent])
  }

  @Test func `gives the messages of the user alone, in order`() throws {
    var cache = RouteCache(routesMax: 100, unverifiedMax: 100, unverifiedBytesMax: 1_000)
    for user in users[0..<3] { cache.insert([server], of: user) }
    for sequence in 1...9 as ClosedRange<UInt64> {
      let user = users[Int(sequence) % 3]
      let route = cache.route(to: user)
      cache.sent(message(sequence, to: user), to: [user], by: [try #require(route)])
    }
    cache.verified(below: 4)
    let removed = cache.remove(users[1])
    #expect(removed?.messages.map(\.sequence) == [4, 7])
    let again = cache.remove(users[1])
    #expect(again?.route == nil)
    let all = cache.removeAll()
    #expect(all.map(\.message.sequence) == [4, 5, 6, 7, 8, 9])
    #expect(cache.unverifiedCount == 0)
    // An answer that comes late means messages that are not on the list any more.
    cache.verified(below: 5)
    #expect(cache.nextNumber == 10)
  }

  @Test func `is full with many messages, and with large ones, until they are verified`() throws {
    var cache = RouteCache(routesMax: 100, unverifiedMax: 3, unverifiedBytesMax: 1_000)
    cache.insert([server], of: users[0])
    let found = cache.route(to: users[0])
    let route = try #require(found)
    func send(_ sequence: UInt64, bytes: Int) {
      cache.sent(message(sequence, to: users[0], bytes: bytes), to: [users[0]], by: [route])
    }
    send(1, bytes: 500)
    #expect(!cache.isFull)
    send(2, bytes: 500)
    #expect(cache.isFull)
    cache.verified(below: 2)
    #expect(!cache.isFull)
    send(3, bytes: 0)
    send(4, bytes: 0)
    #expect(cache.isFull)
    cache.verified(below: 5)
    #expect(!cache.isFull)
    send(5, bytes: 1_000)
    #expect(cache.isFull)
    _ = cache.removeAll()
    #expect(!cache.isFull)
  }

  @Test func `guesses end when the registry guards again`() {
    var cache = RouteCache(routesMax: 100, unverifiedMax: 100, unverifiedBytesMax: 1_000)
    cache.insert([server], of: users[0])
    _ = cache.removeAll()
    #expect(cache.guess(users[0])?.nodes == [server])
    // Twice in a row: what was known stays known.
    _ = cache.removeAll()
    #expect(cache.guess(users[0])?.nodes == [server])
    cache.insert([server], of: users[1])
    #expect(cache.guess(users[0]) == nil)
  }
}
