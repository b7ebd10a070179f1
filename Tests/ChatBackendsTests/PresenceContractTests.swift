import ChatCore
import ChatProtocol
import TestServers
import Testing

/// What every registry promises about presence.
struct PresenceContractTests {
  private let online = Presence(state: .online)
  private let away = Presence(state: .away)

  private func offline(seen: Timestamp?) -> Presence {
    Presence(state: .offline, lastSeen: seen)
  }

  @Test(arguments: RegistryKind.allCases)
  func `a user is what the most present of the devices is`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    #expect(await one.presence(of: "bob") == offline(seen: nil))
    #expect(await one.set("bob", .away, at: 100) == away)
    #expect(await two.set("bob", .online, at: 110) == online)
    #expect(await one.presence(of: "bob") == online)
    #expect(await one.set("bob", .away, shard: 1, at: 120) == online)
    #expect(await two.set("bob", .away, at: 130) == away)
    #expect(await two.set("bob", .offline, at: 140) == away)
    #expect(await one.set("bob", .offline, at: 150) == away)
    #expect(await two.presence(of: "bob") == away)
    #expect(await one.set("bob", .offline, shard: 1, at: 160) == offline(seen: 160))
    #expect(await two.presence(of: "bob") == offline(seen: 160))
    #expect(await two.set("bob", .online, at: 170) == online)
    #expect(await one.presence(of: "carol") == offline(seen: nil))
  }

  @Test(arguments: RegistryKind.allCases)
  func `a user was seen last at the latest time that any node said`(
    _ kind: RegistryKind
  ) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    _ = await one.set("bob", .online, at: 1_800_000_000_000)
    _ = await two.set("bob", .online, at: 1_800_000_000_001)
    #expect(await one.set("bob", .offline, at: 1_800_000_000_300) == online)
    #expect(
      await two.set("bob", .offline, at: 1_800_000_000_200) == offline(seen: 1_800_000_000_300))
  }

  @Test(arguments: RegistryKind.allCases)
  func `users of a node that has ended are not there`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2", epoch: 1)
    #expect(await two.set("bob", .online, at: 100) == online)
    #expect(await one.presence(of: "bob") == online)
    await two.stop()
    // What is known of a lease may be a second old.
    #expect(await eventually { await one.presence(of: "bob") == offline(seen: 100) })
    let later = try await fixture.start("server2", epoch: 2)
    #expect(await later.presence(of: "bob") == offline(seen: 100))
    #expect(await later.set("bob", .away, at: 200) == away)
    #expect(await eventually { await one.presence(of: "bob") == away })
  }

  @Test(arguments: RegistryKind.allCases)
  func `a former process of a node changes nothing of the later one's`(
    _ kind: RegistryKind
  ) async throws {
    let fixture = try RegistryFixture(kind)
    // As text the older epoch is the greater.
    let older = try await fixture.start("server1", epoch: 9)
    let later = try await fixture.start("server1", epoch: 10)
    _ = await older.set("bob", .online, at: 100)
    #expect(await later.presence(of: "bob") == offline(seen: 100))
    #expect(await later.set("bob", .online, at: 110) == online)
    _ = await older.set("bob", .offline, at: 120)
    #expect(await later.presence(of: "bob") == online)
    _ = await older.set("bob", .away, at: 130)
    #expect(await later.presence(of: "bob") == online)
    #expect(await later.set("bob", .offline, at: 140) == offline(seen: 140))
  }

  @Test(arguments: RegistryKind.allCases)
  func `what an earlier process of a node left is removed by the next`(
    _ kind: RegistryKind
  ) async throws {
    let fixture = try RegistryFixture(kind)
    let older = try await fixture.start("server1", epoch: 1)
    _ = await older.set("bob", .online, at: 100)
    await older.stop()
    let later = try await fixture.start("server1", epoch: 2)
    #expect(await later.set("bob", .offline, at: 110) == offline(seen: 110))
    #expect(await later.presence(of: "bob") == offline(seen: 110))
  }

  @Test(arguments: RegistryKind.allCases)
  func `a look-up sees the changes before it in its batch`(_ kind: RegistryKind) async throws {
    let node = try await RegistryFixture(kind).start("server1")
    let bob = UserID("bob")!
    let results = await node.submit([
      .presence(of: bob), .setPresence(bob, .online, shard: 0, at: 100), .presence(of: bob),
      .presence(of: bob), .setPresence(bob, .offline, shard: 0, at: 110), .presence(of: bob),
    ])
    let expected = [
      offline(seen: nil), online, online, online, offline(seen: 110), offline(seen: 110),
    ]
    #expect(results == expected.map { .presence($0) })
  }
}

extension RegistryNode {
  func presence(of user: String) async -> Presence? {
    guard case .presence(let presence) = await submit([.presence(of: UserID(user)!)]).first else {
      return nil
    }
    return presence
  }

  func set(
    _ user: String, _ state: PresenceState, shard: Int = 0, at time: Timestamp
  ) async -> Presence? {
    let operation = RegistryRequest.Operation.setPresence(
      UserID(user)!, state, shard: shard, at: time)
    guard case .presence(let presence) = await submit([operation]).first else { return nil }
    return presence
  }
}
