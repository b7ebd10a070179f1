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
  func `who registers again takes no device from a live owner`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    #expect(await one.registerAgain("bob", "web", "c1") == .registered(replaced: nil))
    #expect(await one.registerAgain("bob", "web", "c1") == .registered(replaced: nil))
    #expect(await two.registerAgain("bob", "web", "c5") == .overtaken)
    #expect(await one.registerAgain("bob", "web", "c2") == .overtaken)
    #expect(await two.nodes(of: "bob") == ["server1"])
    // An earlier process of the node has nobody.
    let later = try await fixture.start("server1", epoch: 2)
    #expect(await later.nodes(of: "bob") == [])
    #expect(await two.registerAgain("bob", "web", "c5") == .registered(replaced: nil))
    #expect(await later.nodes(of: "bob") == ["server2"])
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
    let routes = results.compactMap { if case .nodes(let nodes, _) = $0 { nodes } else { nil } }
    #expect(routes == [[], [], [one.id], []])
    #expect(results[2] == .registered(replaced: nil))
    #expect(results[4] == .unregistered)
  }

  // MARK: - Guarded answers

  @Test(arguments: RegistryKind.allCases)
  func `each change of a guarded answer is told once`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    await one.guardedNodes(of: "bob")
    await one.guardedNodes(of: "carol")
    _ = await two.register("bob", "web", "c1")
    _ = await two.register("bob", "web", "c2")
    #expect(await one.passBarrier())
    #expect(one.changedUsers == ["bob"])
    await one.guardedNodes(of: "bob")
    _ = await two.unregister("bob", "web", "c1")
    #expect(await one.passBarrier())
    #expect(one.changedUsers == ["bob"])
    _ = await two.unregister("bob", "web", "c2")
    #expect(await one.passBarrier())
    #expect(one.changedUsers == ["bob", "bob"])
  }

  @Test(arguments: RegistryKind.allCases)
  func `a node is told of its own changes`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    await one.guardedNodes(of: "bob")
    _ = await one.register("bob", "web", "c1")
    #expect(await one.passBarrier())
    #expect(one.changedUsers.contains("bob"))
  }

  @Test(arguments: RegistryKind.allCases)
  func `a change comes before any barrier that was asked for after it`(
    _ kind: RegistryKind
  ) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    for number in 1...300 {
      await one.guardedNodes(of: "bob")
      let before = one.changedUsers.count
      _ = await two.register("bob", "web", "c\(number)")
      #expect(await one.passBarrier())
      #expect(one.changedUsers.count == before + 1, "round \(number)")
    }
  }

  /// Keeps answers as a hub does while others change them, and compares at quiet moments.
  @Test(arguments: RegistryKind.allCases)
  func `what is kept and not told of is right`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let writers = [try await fixture.start("server2"), try await fixture.start("server3")]
    let users = (0..<8).map { "user\($0)" }
    for round in 0..<20 {
      let log = RouteLog(of: one)
      await withTaskGroup(of: Void.self) { group in
        for writer in writers {
          group.addTask {
            for _ in 0..<20 {
              let user = users.randomElement()!
              if Bool.random() {
                _ = await writer.register(user, "web", "c")
              } else {
                _ = await writer.unregister(user, "web", "c")
              }
            }
          }
        }
        group.addTask { for _ in 0..<60 { await log.lookUp(users.randomElement()!) } }
      }
      #expect(await one.passBarrier())
      for (user, nodes) in log.kept {
        #expect(await one.nodes(of: user) == nodes, "\(user) in round \(round)")
      }
    }
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
