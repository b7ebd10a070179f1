import ChatBackends
import ChatCore
import ChatProtocol
import TestServers
import Testing

/// What every registry promises.
struct RegistryContractTests {
  @Test(arguments: RegistryKind.allCases)
  func `a registered device is found from every node`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    #expect(await one.nodes(of: "bob") == [])
    #expect(await two.register("bob", "web", "c1") == .registered(replaced: nil))
    #expect(await one.nodes(of: "bob") == ["server2"])
    #expect(await two.nodes(of: "bob") == ["server2"])
    #expect(await one.register("bob", "phone", "c9") == .registered(replaced: nil))
    #expect(await two.register("bob", "tablet", "c2") == .registered(replaced: nil))
    #expect(await two.nodes(of: "bob") == ["server1", "server2"])
  }

  @Test(arguments: RegistryKind.allCases)
  func `taking a device over names its owner before`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1", epoch: 7)
    let two = try await fixture.start("server2")
    _ = await one.register("bob", "web", "c1")
    let first = RouteOwner(node: one.id, epoch: 7, connection: "c1")
    #expect(await two.register("bob", "web", "c5") == .registered(replaced: first))
    #expect(await one.nodes(of: "bob") == ["server2"])
    let second = RouteOwner(node: two.id, epoch: 1, connection: "c5")
    #expect(await two.register("bob", "web", "c6") == .registered(replaced: second))
    #expect(await two.register("bob", "web", "c6") == .registered(replaced: nil))
  }

  @Test(arguments: RegistryKind.allCases)
  func `a former owner's clean-up changes nothing`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    _ = await one.register("bob", "web", "c1")
    _ = await two.register("bob", "web", "c1")
    #expect(await one.unregister("bob", "web", "c1") == .unregistered)
    #expect(await one.nodes(of: "bob") == ["server2"])
    #expect(await two.unregister("bob", "web", "c0") == .unregistered)
    #expect(await one.nodes(of: "bob") == ["server2"])
    #expect(await two.unregister("bob", "web", "c1") == .unregistered)
    #expect(await one.nodes(of: "bob") == [])
  }

  @Test(arguments: RegistryKind.allCases)
  func `routes of an earlier epoch are dead`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2", epoch: 1)
    _ = await two.register("bob", "web", "c1")
    #expect(await one.nodes(of: "bob") == ["server2"])
    let later = try await fixture.start("server2", epoch: 2)
    #expect(await later.nodes(of: "bob") == [])
    // The other node may believe its lease cache for one refresh.
    #expect(await eventually { await one.nodes(of: "bob") == [] })
    #expect(await later.register("bob", "web", "c1") == .registered(replaced: nil))
    #expect(await one.nodes(of: "bob") == ["server2"])
  }

  @Test(arguments: RegistryKind.allCases)
  func `routes end with the node's lease`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    _ = await two.register("bob", "web", "c1")
    #expect(await one.nodes(of: "bob") == ["server2"])
    await two.stop()
    #expect(await eventually { await one.nodes(of: "bob") == [] })
    #expect(await one.register("bob", "web", "c1") == .registered(replaced: nil))
  }

  @Test(arguments: RegistryKind.allCases)
  func `a look-up sees the changes before it in its batch`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let bob = UserID("bob")!
    let results = await one.submit([
      .nodes(of: bob), .nodes(of: bob), .register(bob, device: "web", connection: "c1"),
      .nodes(of: bob), .unregister(bob, device: "web", connection: "c1"), .nodes(of: bob),
    ])
    #expect(
      results == [
        .nodes([]), .nodes([]), .registered(replaced: nil), .nodes([one.id]), .unregistered,
        .nodes([]),
      ])
  }

  @Test(arguments: RegistryKind.allCases)
  func `every request of many batches is answered once`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let replies = Collector<RegistryReply>()
    let count: UInt64 = 2_000
    for token in 0..<count {
      let user = UserID("user\(token % 50)")!
      let operation: RegistryRequest.Operation =
        token % 3 == 0
        ? .register(user, device: "d", connection: "c\(token)") : .nodes(of: user)
      one.registry.submit([RegistryRequest(token: token, operation: operation)]) {
        replies.add($0)
      }
    }
    let all = await replies.wait { $0.count >= Int(count) }
    #expect(all.map(\.token).sorted() == Array(0..<count))
    #expect(!all.contains { $0.result == .unavailable })
  }
}
