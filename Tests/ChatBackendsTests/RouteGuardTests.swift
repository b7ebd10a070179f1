import ChatBackends
import ChatCore
import ChatProtocol
import TestServers
import Testing

/// Kept routes when the news of their changes are late or lost.
struct RouteGuardTests {
  private let server: RedisServer
  private let loop = TestLoop()
  private let bob = UserID("bob")!

  init() throws { server = try RedisServer() }

  private func start(
    _ name: String, url: String? = nil, commandTimeout: Duration = .seconds(5)
  ) async throws -> RegistryNode {
    try await RegistryFixture.start(
      NodeID(name)!, epoch: 1, url: url ?? server.url, on: loop, commandTimeout: commandTimeout)
  }

  private func forgotten(_ node: RegistryNode) -> Int {
    node.events.all.count { if case .routesForgotten = $0 { true } else { false } }
  }

  @Test func `a barrier waits for news that are late`() async throws {
    let proxy = TCPProxy(to: server.port, holding: "SUBSCRIBE")
    let one = try await start("server1", url: "redis://127.0.0.1:\(proxy.port)")
    let two = try await start("server2")
    await one.guardedNodes(of: "bob")
    proxy.hold()
    _ = await two.register("bob", "web", "c1")
    let told = Collector<String>()
    one.registry.submit([
      RegistryRequest(token: 1, operation: .barrier),
      RegistryRequest(token: 2, operation: .nodes(of: bob)),
    ]) { replies in
      for reply in replies { told.add("\(reply.token) after \(one.changedUsers)") }
    }
    // Look-ups do not wait, and see what was written.
    #expect(await told.wait { !$0.isEmpty } == ["2 after []"])
    #expect(await one.nodes(of: "bob") == ["server2"])
    proxy.release()
    #expect(await told.wait { $0.count == 2 } == ["2 after []", "1 after [\"bob\"]"])
    #expect(forgotten(one) == 0)
  }

  @Test func `an answer that its news overtook is not guarded`() async throws {
    // The commands are held in place of the news.
    let proxy = TCPProxy(to: server.port, holding: "HGETALL")
    let one = try await start("server1", url: "redis://127.0.0.1:\(proxy.port)")
    let two = try await start("server2")
    await one.guardedNodes(of: "bob")
    let calls = try server.calls(of: "hgetall")
    proxy.hold()
    let replies = Collector<RegistryReply>()
    one.registry.submit([RegistryRequest(token: 1, operation: .nodes(of: bob))]) { replies.add($0) }
    #expect(await eventually { (try? server.calls(of: "hgetall")) == calls + 1 })
    _ = await two.register("bob", "web", "c1")
    #expect(await eventually { one.changedUsers == ["bob"] })
    proxy.release()
    #expect(await replies.wait { !$0.isEmpty }.map(\.result) == [.nodes([], isGuarded: false)])
    #expect(await one.guardedNodes(of: "bob") == ["server2"])
  }

  @Test func `a node that hears nothing any more notices, and hears again`() async throws {
    let proxy = TCPProxy(to: server.port, holding: "SUBSCRIBE")
    let one = try await start(
      "server1", url: "redis://127.0.0.1:\(proxy.port)", commandTimeout: .milliseconds(500))
    await one.guardedNodes(of: "bob")
    proxy.hold()
    #expect(await one.submit([.barrier]) == [.unavailable])
    #expect(forgotten(one) == 1)
    guard case .nodes([], isGuarded: false) = await one.submit([.nodes(of: bob)]).first else {
      return #expect(Bool(false), "guarded by nobody")
    }
    proxy.release()
    #expect(await one.guardedNodes(of: "bob") == [])
    #expect(await one.passBarrier())
  }

  @Test func `an idle node keeps hearing`() async throws {
    let one = try await start("server1", commandTimeout: .milliseconds(500))
    await one.guardedNodes(of: "bob")
    // Each refresh makes sure of it.
    let before = try server.calls(of: "publish")
    #expect(await eventually { (try? server.calls(of: "publish")) ?? 0 >= before + 3 })
    #expect(forgotten(one) == 0)
  }

  @Test func `losing the connection of the news forgets the routes`() async throws {
    let one = try await start("server1")
    let two = try await start("server2")
    await one.guardedNodes(of: "bob")
    try server.run("CLIENT", "KILL", "TYPE", "pubsub")
    #expect(await eventually { forgotten(one) == 1 })
    _ = await two.register("bob", "web", "c1")
    #expect(await one.guardedNodes(of: "bob") == ["server2"])
    let before = one.changedUsers.count
    _ = await two.register("bob", "web", "c2")
    #expect(await eventually { one.changedUsers.count == before + 1 })
  }

  @Test func `losing the connection of the commands forgets the routes`() async throws {
    let one = try await start("server1")
    await one.guardedNodes(of: "bob")
    try server.run("CLIENT", "KILL", "TYPE", "normal")
    #expect(await eventually { forgotten(one) == 1 })
    #expect(await one.guardedNodes(of: "bob") == [])
    #expect(await one.passBarrier())
  }

  @Test func `a flushed Redis forgets the routes`() async throws {
    let one = try await start("server1")
    let two = try await start("server2")
    _ = await two.register("bob", "web", "c1")
    #expect(await one.guardedNodes(of: "bob") == ["server2"])
    try server.run("FLUSHALL")
    #expect(await one.passBarrier())
    #expect(forgotten(one) == 1)
    #expect(await one.guardedNodes(of: "bob") == [])
  }

  @Test func `a restarted Redis forgets the routes`() async throws {
    let one = try await start("server1")
    await one.guardedNodes(of: "bob")
    try server.process.stop()
    #expect(await eventually { forgotten(one) == 1 })
    #expect(await one.submit([.barrier]) == [.unavailable])
    try server.process.start()
    #expect(await one.guardedNodes(of: "bob") == [])
    #expect(await one.passBarrier())
  }

  @Test func `a route whose lease has lapsed makes no guarded answer`() async throws {
    let one = try await start("server1")
    await one.guardedNodes(of: "bob")
    try server.run("HSET", "connection:carol", "web", "server9/1/c1")
    guard
      case .nodes([], isGuarded: false) =
        await one.submit([.nodes(of: UserID("carol")!)]).first
    else { return #expect(Bool(false), "server9 may take its lease again") }
    // A route of an earlier epoch is dead for good.
    try server.run("SET", "node:server9", "2")
    #expect(await one.guardedNodes(of: "carol") == [])
  }

  @Test func `registering tells nobody who has not asked`() async throws {
    let one = try await start("server1")
    await one.guardedNodes(of: "bob")
    for number in 1...3 { _ = await one.register("carol", "web", "c\(number)") }
    #expect(await one.passBarrier())
    #expect(one.changedUsers == [])
  }

  @Test func `without the right to subscribe routes are looked up, unguarded`() async throws {
    try server.run(
      "ACL", "SETUSER", "chat", "on", ">secret", "~*", "+@all", "resetchannels")
    let one = try await start("server1", url: "redis://chat:secret@127.0.0.1:\(server.port)")
    let two = try await start("server2")
    _ = await two.register("bob", "web", "c1")
    #expect(await one.submit([.barrier]) == [.unavailable])
    #expect(
      await one.submit([.nodes(of: bob)]) == [.nodes([NodeID("server2")!], isGuarded: false)])
  }

  @Test func `the documented rights are enough`() async throws {
    try server.run(
      "ACL", "SETUSER", "chat", "on", ">secret", "resetkeys", "~connection:*", "~node:*",
      "~active:servers", "~session:*", "~room:nodes:*", "~presence:*", "~rate:*",
      "resetchannels", "&__redis__:invalidate", "&barrier:*", "-@all", "+auth", "+ping",
      "+select", "+client|id", "+client|info", "+client|kill", "+client|tracking",
      "+client|caching", "+subscribe", "+publish", "+get", "+set", "+del", "+hget", "+hset",
      "+hdel", "+hgetall", "+hlen", "+expire", "+persist", "+ttl", "+time", "+sadd", "+srem",
      "+smembers", "+script|load", "+eval", "+evalsha")
    let one = try await start("server1", url: "redis://chat:secret@127.0.0.1:\(server.port)")
    let two = try await start("server2")
    #expect(await one.guardedNodes(of: "bob") == [])
    _ = await two.register("bob", "web", "c1")
    #expect(await one.passBarrier())
    #expect(one.changedUsers == ["bob"])
    #expect(await one.register("carol", "web", "c1") == .registered(replaced: nil))
    #expect(await one.submit([.claimSession("/s/abc")]) == [.holder(one.id)])
    _ = await one.submit([.subscribe(.room("general"), shard: 0)])
    #expect(await two.subscribers(of: .room("general")) == ["server1"])
    _ = await one.set("bob", .online, at: 100)
    #expect(await one.set("bob", .offline, at: 200) == Presence(state: .offline, lastSeen: 200))
    #expect(await one.take(1, "bob", rate: 1, burst: 1) == .tokens(count: 1, wait: 0))
    try server.run("HSET", "presence:bob", "server1/1", "0/online")
    _ = await one.presence(of: "bob")
    #expect(await eventually { (try? server.run("HEXISTS", "presence:bob", "server1/1")) == "0" })
    await one.stop()
    #expect(try server.run("EXISTS", "node:server1") == "0")
  }
}

extension RedisServer {
  fileprivate func calls(of command: String) throws -> Int {
    let line = try run("INFO", "commandstats").split(whereSeparator: \.isNewline).first {
      $0.hasPrefix("cmdstat_\(command):calls=")
    }
    return line.flatMap { Int($0.split(separator: "=")[1].prefix { $0 != "," }) } ?? 0
  }
}
