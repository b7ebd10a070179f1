import ChatBackends
import ChatCore
import ChatProtocol
import TestServers
import Testing

/// Topics, presence and tokens in Redis: the keys, and what happens when Redis fails.
struct RedisTopicTests {
  private let fixture: RegistryFixture
  private let server: RedisServer
  private let room = Topic.room("general")
  private let bob = UserID("bob")!

  init() throws {
    fixture = try RegistryFixture(.redis)
    server = try #require(fixture.server)
  }

  // MARK: - Keys

  @Test func `keys are the documented ones`() async throws {
    let node = try await fixture.start("server1", epoch: 3)
    _ = await node.submit([
      .subscribe(room, shard: 2), .subscribe(.presence(bob), shard: 0),
      .setPresence(bob, .away, shard: 1, at: 1_800_000_000_000),
      .takeTokens(bob, count: 1, rate: 0.005, burst: 10),
    ])
    #expect(try server.run("HGETALL", "room:nodes:general") == "server1/2\n3")
    #expect(try server.run("HGETALL", "presence:nodes:bob") == "server1/0\n3")
    #expect(try server.run("HGET", "presence:bob", "server1/1") == "3/away")
    #expect(try server.run("HGET", "presence:bob", "seen") == "1800000000000")
    #expect(try server.run("TYPE", "rate:bob") == "string")
    _ = await node.submit([.unsubscribe(room, shard: 2), .unsubscribe(.presence(bob), shard: 0)])
    #expect(try server.run("EXISTS", "room:nodes:general", "presence:nodes:bob") == "0")
  }

  @Test func `of a user who is nowhere it is known for 90 days when that was`() async throws {
    let node = try await fixture.start("server1")
    _ = await node.set("bob", .online, at: 100)
    #expect(try server.run("TTL", "presence:bob") == "-1")
    _ = await node.set("bob", .online, shard: 1, at: 110)
    _ = await node.set("bob", .offline, at: 120)
    #expect(try server.run("TTL", "presence:bob") == "-1")
    _ = await node.set("bob", .offline, shard: 1, at: 130)
    let life = try #require(Int(try server.run("TTL", "presence:bob")))
    #expect((7_775_900...7_776_000).contains(life))
    _ = await node.set("bob", .away, at: 140)
    #expect(try server.run("TTL", "presence:bob") == "-1")
  }

  @Test func `look-ups of one thing in one batch are one command`() async throws {
    let node = try await fixture.start("server1")
    let operations: [RegistryRequest.Operation] = (0..<100).flatMap { _ in
      [.subscribers(of: room), .presence(of: bob)]
    }
    #expect(await node.submit(operations).count == 200)
    #expect(try server.run("INFO", "commandstats").contains("cmdstat_hgetall:calls=2,"))
  }

  // MARK: - Epochs

  @Test func `dead subscriptions are cleaned up by a look-up, lapsed ones stay`() async throws {
    let node = try await fixture.start("server1", epoch: 2)
    try server.run(
      "HSET", "room:nodes:general", "server1/0", "1", "server2/0", "4", "odd", "field", "server3/0",
      "odd")
    #expect(await node.subscribers(of: room) == [])
    #expect(
      await eventually {
        (try? server.run("HGETALL", "room:nodes:general"))
          == "server2/0\n4\nodd\nfield\nserver3/0\nodd"
      })
    try server.run("SET", "node:server2", "5")
    let isCleanedUp = try await eventually {
      _ = await node.subscribers(of: room)
      return try server.run("HEXISTS", "room:nodes:general", "server2/0") == "0"
    }
    #expect(isCleanedUp)
  }

  @Test func `a look-up cleans up no more than so many dead subscriptions`() async throws {
    let node = try await fixture.start("server1", epoch: 2)
    for shard in 0..<20 { try server.run("HSET", "room:nodes:general", "server1/\(shard)", "1") }
    #expect(await node.subscribers(of: room) == [])
    #expect(await eventually { (try? server.run("HLEN", "room:nodes:general")) == "4" })
    #expect(await node.subscribers(of: room) == [])
    #expect(await eventually { (try? server.run("EXISTS", "room:nodes:general")) == "0" })
  }

  @Test func `dead presences do not count and are cleaned up`() async throws {
    let node = try await fixture.start("server1", epoch: 2)
    try server.run("HSET", "presence:bob", "server1/0", "1/online", "seen", "100")
    #expect(await node.presence(of: "bob") == Presence(state: .offline, lastSeen: 100))
    #expect(await eventually { (try? server.run("HGETALL", "presence:bob")) == "seen\n100" })
    #expect(try server.run("TTL", "presence:bob") != "-1")
  }

  @Test func `a presence that may come back stays, and expires`() async throws {
    let node = try await fixture.start("server1")
    try server.run(
      "HSET", "presence:bob", "server2/0", "1/online", "server2/1", "1/away", "seen", "100")
    #expect(await node.presence(of: "bob") == Presence(state: .offline, lastSeen: 100))
    #expect(await eventually { (try? server.run("TTL", "presence:bob")) != "-1" })
    #expect(try server.run("HLEN", "presence:bob") == "3")
    try server.run("SET", "node:server2", "1")
    #expect(await eventually { await node.presence(of: "bob") == Presence(state: .online) })
  }

  @Test func `epochs that no number of Lua tells apart are told apart`() async throws {
    let older = try await fixture.start("server1", epoch: 9_007_199_254_740_992)
    let later = try await fixture.start("server1", epoch: 9_007_199_254_740_993)
    _ = await later.submit([.subscribe(room, shard: 0)])
    _ = await older.submit([.subscribe(room, shard: 0)])
    #expect(await later.subscribers(of: room) == ["server1"])
  }

  // MARK: - Lost scripts

  @Test func `changes take effect in the order given, whatever Redis lost`() async throws {
    let node = try await fixture.start("server1")
    for _ in 0..<5 {
      try server.run("SCRIPT", "FLUSH")
      _ = await node.submit([
        .subscribe(room, shard: 0), .unsubscribe(room, shard: 0), .subscribe(room, shard: 0),
        .setPresence(bob, .online, shard: 0, at: 1), .setPresence(bob, .offline, shard: 0, at: 2),
        .setPresence(bob, .away, shard: 0, at: 3),
      ])
      #expect(await node.subscribers(of: room) == ["server1"])
      #expect(await node.presence(of: "bob") == Presence(state: .away))
    }
  }

  @Test func `tokens are given by a server that lost its scripts`() async throws {
    let node = try await fixture.start("server1")
    try server.run("SCRIPT", "FLUSH")
    #expect(await node.take(3, "bob", rate: 0.1, burst: 5) == .tokens(count: 3, wait: 0))
    #expect(await node.take(3, "bob", rate: 0.1, burst: 5) == .tokens(count: 2, wait: 0))
  }

  // MARK: - Tokens

  @Test func `a bucket goes by the clock of Redis, and is gone when it is full`() async throws {
    let node = try await fixture.start("server1")
    _ = await node.take(4, "bob", rate: 0.01, burst: 10)
    let life = try #require(Int(try server.run("PTTL", "rate:bob")))
    #expect((300_000...400_000).contains(life))
    // Full in 250 s by that clock: two tokens and a half are not there.
    let fullAt = try #require(Int(try server.run("TIME").prefix { !$0.isNewline })) + 250
    try server.run("SET", "rate:bob", "\(fullAt)000000")
    #expect(await node.take(9, "bob", rate: 0.01, burst: 10) == .tokens(count: 7, wait: 0))
  }

  @Test func `a bucket that no clock explains is an empty one at most`() async throws {
    let node = try await fixture.start("server1")
    for odd in ["9e300", "-9e300", "nan", "inf", "odd"] {
      try server.run("SET", "rate:bob", odd)
      guard case .tokens(_, let wait) = await node.take(1, "bob", rate: 10, burst: 10) else {
        Issue.record("no answer for \(odd)")
        continue
      }
      #expect(wait <= 100_001_000)
    }
  }

  // MARK: - A server that is away

  @Test func `a restart is survived`() async throws {
    let node = try await fixture.start("server1")
    _ = await node.submit([.subscribe(room, shard: 0)])
    _ = await node.set("bob", .online, at: 100)
    try server.process.stop()
    #expect(
      await node.submit([
        .subscribers(of: room), .presence(of: bob), .subscribe(room, shard: 0),
        .takeTokens(bob, count: 1, rate: 1, burst: 1),
      ]) == Array(repeating: .unavailable, count: 4))
    try server.process.start()
    #expect(await node.isAskedToRegister())
    #expect(await node.subscribers(of: room) == [])
    #expect(await node.presence(of: "bob") == Presence(state: .offline))
    #expect(await node.submit([.subscribe(room, shard: 0)]) == [.subscribed])
    #expect(await node.subscribers(of: room) == ["server1"])
  }

  @Test func `removals that failed are made up for`() async throws {
    let node = try await fixture.start("server1")
    _ = await node.submit([.subscribe(room, shard: 0)])
    _ = await node.set("bob", .online, at: 100)
    try server.refuseChanges(true)
    #expect(await node.submit([.unsubscribe(room, shard: 0)]) == [.unavailable])
    #expect(await node.set("bob", .offline, at: 200) == nil)
    try server.refuseChanges(false)
    #expect(await eventually { await node.subscribers(of: room) == [] })
    #expect(
      await eventually {
        await node.presence(of: "bob") == Presence(state: .offline, lastSeen: 200)
      })
  }

  @Test(arguments: [true, false])
  func `a subscription or a presence that failed is asked for again`(
    isSubscription: Bool
  ) async throws {
    let node = try await fixture.start("server1")
    try server.process.freeze()
    let operation: RegistryRequest.Operation =
      isSubscription
      ? .subscribe(room, shard: 0) : .setPresence(bob, .online, shard: 0, at: 100)
    #expect(await node.submit([operation]) == [.unavailable])
    try server.process.thaw()
    #expect(await node.isAskedToRegister())
  }

  @Test func `a removal that failed does not undo what is wanted since`() async throws {
    let node = try await fixture.start("server1")
    _ = await node.submit([.subscribe(room, shard: 0)])
    _ = await node.set("bob", .online, at: 100)
    try server.refuseChanges(true)
    let changes: [RegistryRequest.Operation] = [
      .unsubscribe(room, shard: 0), .setPresence(bob, .offline, shard: 0, at: 200),
      .subscribe(room, shard: 0), .setPresence(bob, .online, shard: 0, at: 300),
    ]
    #expect(await node.submit(changes).allSatisfy { $0 == .unavailable })
    try server.refuseChanges(false)
    // Told behind the removals that are made up for.
    #expect(await node.isAskedToRegister())
    #expect(await node.subscribers(of: room) == ["server1"])
    #expect(await node.presence(of: "bob") == Presence(state: .online))
  }

  @Test func `what a lost connection left undone is not done later`() async throws {
    let node = try await fixture.start("server1")
    _ = await node.set("bob", .online, at: 100)
    // Redis reads changes and keeps them until it may do them.
    try server.run("CLIENT", "PAUSE", "60000", "WRITE")
    #expect(await node.set("bob", .away, at: 999) == nil)
    let isEnded = try await eventually {
      try server.run("INFO", "commandstats").contains("cmdstat_client|kill:calls=")
    }
    #expect(isEnded)
    try server.run("CLIENT", "UNPAUSE")
    #expect(await node.isAskedToRegister())
    #expect(await node.set("bob", .online, at: 200) == Presence(state: .online))
    #expect(try server.run("HGET", "presence:bob", "seen") == "200")
  }

  @Test func `a node that ended while Redis was out of reach is told as lost`() async throws {
    let node = try await fixture.start("server1")
    try server.run("SADD", "active:servers", "server2")
    try server.run("SET", "node:server2", "7")
    try server.run("HSET", "room:nodes:general", "server2/0", "7")
    #expect(await node.subscribers(of: room) == ["server2"])
    try server.run("CLIENT", "KILL", "TYPE", "normal")
    try server.run("DEL", "node:server2")
    let events = await node.events.wait { $0.contains { $0.lostNode != nil } }
    #expect(events.compactMap(\.lostNode) == ["server2"])
  }
}

extension RedisServer {
  /// Refuses what is no lease, so that changes fail, and leases are renewed.
  fileprivate func refuseChanges(_ isRefusing: Bool) throws {
    let keys = isRefusing ? ["resetkeys", "~node:*", "~active:servers"] : ["allkeys"]
    for rule in keys { try run("ACL", "SETUSER", "default", rule) }
  }
}
