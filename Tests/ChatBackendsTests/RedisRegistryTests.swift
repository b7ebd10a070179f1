import ChatBackends
import ChatCore
import ChatProtocol
import TestServers
import Testing

/// The registry in Redis when Redis fails it.
struct RedisRegistryTests {
  private let fixture: RegistryFixture
  private let server: RedisServer

  init() throws {
    fixture = try RegistryFixture(.redis)
    server = try #require(fixture.server)
  }

  @Test func `keys are the documented ones`() async throws {
    let node = try await fixture.start("server1", epoch: 3)
    _ = await node.register("bob", "web", "c1")
    #expect(try server.run("HGETALL", "connection:bob") == "web\nserver1/3/c1")
    #expect(try server.run("GET", "node:server1") == "3")
    #expect(try server.run("SMEMBERS", "active:servers") == "server1")
    let life = try #require(Int(try server.run("PTTL", "node:server1")))
    #expect((8_000...12_000).contains(life))
  }

  @Test func `a session that is claimed again is kept for as long again`() async throws {
    let node = try await fixture.start("server1", epoch: 3)
    for _ in 0..<2 {
      #expect(await node.submit([.claimSession("/s/abc")]) == [.holder(node.id)])
      #expect(try server.run("GET", "session:/s/abc") == "server1/3/session")
      let life = try #require(Int(try server.run("TTL", "session:/s/abc")))
      #expect((3_590...3_600).contains(life))
      try server.run("EXPIRE", "session:/s/abc", "100")
    }
  }

  @Test func `a session is released and claimed in the order given, whatever Redis lost`()
    async throws
  {
    let node = try await fixture.start("server1")
    #expect(await node.submit([.claimSession("/s/abc")]) == [.holder(node.id)])
    try server.run("SCRIPT", "FLUSH")
    #expect(await node.submit([.claimSession("/s/other")]) == [.holder(node.id)])
    _ = await node.submit([.releaseSession("/s/abc"), .claimSession("/s/abc")])
    #expect(await node.submit([.sessionHolder("/s/abc")]) == [.holder(node.id)])
  }

  @Test func `look-ups of one user in one batch are one command`() async throws {
    let node = try await fixture.start("server1")
    let bob = UserID("bob")!
    let results = await node.submit(Array(repeating: .nodes(of: bob), count: 100))
    #expect(results.count == 100 && results.allSatisfy { $0 == results[0] })
    #expect(try server.run("INFO", "commandstats").contains("cmdstat_hgetall:calls=1,"))
  }

  @Test func `stopping releases the lease last`() async throws {
    let node = try await fixture.start("server1")
    let bob = UserID("bob")!
    _ = await node.register("bob", "web", "c1")
    node.registry.submit([
      RegistryRequest(token: 1, operation: .unregister(bob, device: "web", connection: "c1"))
    ]) { _ in }
    await node.stop()
    #expect(try server.run("KEYS", "*") == "")
    #expect(await node.nodes(of: "bob") == nil)
  }

  @Test func `a wiped Redis makes the node register again`() async throws {
    let node = try await fixture.start("server1")
    _ = await node.register("bob", "web", "c1")
    try server.run("FLUSHALL")
    #expect(await node.isAskedToRegister())
    #expect(await node.register("bob", "web", "c1") == .registered(replaced: nil))
    #expect(await node.nodes(of: "bob") == ["server1"])
  }

  @Test func `a node that came back is told as lost when a look-up meets it`() async throws {
    let node = try await fixture.start("server1")
    try server.run("SADD", "active:servers", "server2")
    try server.run("SET", "node:server2", "7")
    try server.run("HSET", "connection:bob", "web", "server2/7/c1")
    #expect(await node.nodes(of: "bob") == ["server2"])
    try server.run("SET", "node:server2", "8")
    try server.run("HSET", "connection:carol", "web", "server2/8/c1")
    #expect(await node.nodes(of: "carol") == ["server2"])
    let events = await node.events.wait(.seconds(10)) { $0.contains { $0.lostNode != nil } }
    #expect(events.compactMap(\.lostNode) == ["server2"])
  }

  @Test func `a node whose lease ends is told to the others once`() async throws {
    let node = try await fixture.start("server1")
    try server.run("SADD", "active:servers", "server2")
    try server.run("SET", "node:server2", "7", "PX", "2500")
    let events = await node.events.wait(.seconds(10)) { !$0.isEmpty }
    #expect(events.map(\.lostNode) == ["server2"])
  }

  @Test func `a node that takes its lapsed lease again is found at once`() async throws {
    let node = try await fixture.start("server1")
    try server.run("SADD", "active:servers", "server2")
    try server.run("SET", "node:server2", "7")
    try server.run("HSET", "connection:bob", "web", "server2/7/c1")
    #expect(await node.nodes(of: "bob") == ["server2"])
    for _ in 1...3 {
      let lost = node.events.all.count
      try server.run("DEL", "node:server2")
      _ = await node.events.wait(.seconds(10)) { $0.count > lost }
      #expect(await node.nodes(of: "bob") == [])
      try server.run("SET", "node:server2", "7")
      #expect(await node.nodes(of: "bob") == ["server2"])
    }
  }

  @Test func `a server that lost its scripts gets them again`() async throws {
    let node = try await fixture.start("server1")
    try server.run("SCRIPT", "FLUSH")
    #expect(await node.register("bob", "web", "c1") == .registered(replaced: nil))
    #expect(await node.unregister("bob", "web", "c1") == .unregistered)
  }

  @Test func `a restart is survived`() async throws {
    let node = try await fixture.start("server1")
    _ = await node.register("bob", "web", "c1")
    try server.process.stop()
    #expect(await node.nodes(of: "bob") == nil)
    #expect(await node.register("carol", "web", "c2") == .unavailable)
    try server.process.start()
    #expect(await node.isAskedToRegister())
    #expect(await node.nodes(of: "bob") == [])
  }

  @Test func `a frozen server is given up and taken back`() async throws {
    let node = try await fixture.start("server1")
    _ = await node.register("bob", "web", "c1")
    try server.process.freeze()
    #expect(await node.nodes(of: "bob") == nil)
    #expect(await node.unregister("bob", "web", "c1") == .unavailable)
    try server.process.thaw()
    // The removal that failed is made up for.
    #expect(await eventually { await node.nodes(of: "bob") == [] })
    // The lease outlived the freeze, so nothing was lost.
    #expect(node.events.all.count { $0.isRegistrationsLost } == 0)
  }

  @Test func `a registration that failed is asked for again`() async throws {
    let node = try await fixture.start("server1")
    try server.process.freeze()
    #expect(await node.register("bob", "web", "c1") == .unavailable)
    try server.process.thaw()
    #expect(await node.isAskedToRegister())
  }

  @Test func `a registration that came late and was removed is told`() async throws {
    let node = try await fixture.start("server1")
    try server.process.freeze()
    #expect(await node.register("bob", "web", "c1") == .unavailable)
    #expect(await node.unregister("bob", "web", "c1") == .unavailable)
    try server.process.thaw()
    #expect(await eventually { node.undoneRegistrations == ["bob web"] })
    #expect(await node.register("bob", "web", "c2") == .registered(replaced: nil))
    #expect(await node.unregister("bob", "web", "c2") == .unregistered)
    #expect(node.undoneRegistrations.count == 1)
  }

  @Test func `dead routes are cleaned up by a look-up`() async throws {
    let node = try await fixture.start("server1", epoch: 2)
    try server.run("HSET", "connection:bob", "web", "server1/1/c1", "odd", "no owner")
    #expect(await node.nodes(of: "bob") == [])
    #expect(await eventually { (try? server.run("HGETALL", "connection:bob")) == "odd\nno owner" })
  }

  @Test func `a newer process of the node takes its lease and tells the older`() async throws {
    let older = try await fixture.start("server1", epoch: 4)
    let newer = try await fixture.start("server1", epoch: 5)
    #expect(await older.takers.wait { !$0.isEmpty } == [5])
    #expect(await older.register("bob", "web", "c1") == .unavailable)
    #expect(await newer.register("bob", "web", "c1") == .registered(replaced: nil))
    await older.stop()
    #expect(try server.run("GET", "node:server1") == "5")
    await #expect(throws: BackendFailure.self) { try await fixture.start("server1", epoch: 4) }
  }

  @Test func `an unreachable Redis is one clear error`() async throws {
    try server.process.stop()
    let url = server.url
    await #expect {
      _ = try await RegistryFixture.start(NodeID("n")!, epoch: 1, url: url, on: TestLoop())
    } throws: { "\($0)" == "\(url): unreachable: connect: Connection refused" }
  }

  @Test func `a wrong password is one clear error without the password`() async throws {
    let server = try RedisServer(password: "right")
    let url = "redis://:wrong@127.0.0.1:\(server.port)"
    await #expect {
      _ = try await RegistryFixture.start(NodeID("n")!, epoch: 1, url: url, on: TestLoop())
    } throws: { "\($0)".contains("refused: WRONGPASS") && !"\($0)".contains("wrong@") }
    let loop = TestLoop()
    let node = try await RegistryFixture.start(
      NodeID("n")!, epoch: 1, url: server.url + "/3", on: loop)
    #expect(await node.nodes(of: "bob") == [])
    await node.stop()
  }
}

extension RegistryNode {
  func isAskedToRegister() async -> Bool {
    await eventually { events.all.contains { $0.isRegistrationsLost } }
  }
}

extension NodeEvent {
  fileprivate var isRegistrationsLost: Bool {
    if case .registrationsLost = self { true } else { false }
  }
}

extension NodeEvent {
  var lostNode: String? {
    if case .nodeLost(let node) = self { node.name } else { nil }
  }
}
