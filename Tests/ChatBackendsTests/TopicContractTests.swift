import ChatCore
import ChatProtocol
import TestServers
import Testing

/// What every registry promises about topics.
struct TopicContractTests {
  private let topics: [Topic] = [.room("general"), .presence(UserID("bob")!)]

  @Test(arguments: RegistryKind.allCases)
  func `the nodes of subscribed hubs are found from every node`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2")
    for topic in topics {
      #expect(await one.subscribers(of: topic) == [])
      #expect(await two.submit([.subscribe(topic, shard: 0)]) == [.subscribed])
      #expect(await one.subscribers(of: topic) == ["server2"])
      #expect(await two.submit([.subscribe(topic, shard: 1)]) == [.subscribed])
      #expect(await one.submit([.subscribe(topic, shard: 0)]) == [.subscribed])
      #expect(await two.subscribers(of: topic) == ["server1", "server2"])
      #expect(await two.submit([.unsubscribe(topic, shard: 0)]) == [.unsubscribed])
      #expect(await one.subscribers(of: topic) == ["server1", "server2"])
      #expect(await two.submit([.unsubscribe(topic, shard: 1)]) == [.unsubscribed])
      #expect(await two.submit([.unsubscribe(topic, shard: 1)]) == [.unsubscribed])
      #expect(await one.subscribers(of: topic) == ["server1"])
      #expect(await one.submit([.unsubscribe(topic, shard: 0)]) == [.unsubscribed])
      #expect(await two.subscribers(of: topic) == [])
    }
  }

  @Test(arguments: RegistryKind.allCases)
  func `a room and a user of one name are different topics`(_ kind: RegistryKind) async throws {
    let node = try await RegistryFixture(kind).start("server1")
    _ = await node.submit([.subscribe(.room("bob"), shard: 0)])
    #expect(await node.subscribers(of: .presence(UserID("bob")!)) == [])
    #expect(await node.subscribers(of: .room("bob")) == ["server1"])
  }

  @Test(arguments: RegistryKind.allCases)
  func `a look-up sees the changes before it in its batch`(_ kind: RegistryKind) async throws {
    let node = try await RegistryFixture(kind).start("server1")
    let topic = topics[0]
    let results = await node.submit([
      .subscribers(of: topic), .subscribe(topic, shard: 0), .subscribers(of: topic),
      .subscribers(of: topic), .unsubscribe(topic, shard: 0), .subscribers(of: topic),
    ])
    #expect(
      results == [
        .subscribers([]), .subscribed, .subscribers([node.id]), .subscribers([node.id]),
        .unsubscribed, .subscribers([]),
      ])
  }

  @Test(arguments: RegistryKind.allCases)
  func `subscriptions end with the node's lease`(_ kind: RegistryKind) async throws {
    let fixture = try RegistryFixture(kind)
    let one = try await fixture.start("server1")
    let two = try await fixture.start("server2", epoch: 1)
    _ = await two.submit([.subscribe(topics[0], shard: 0)])
    #expect(await one.subscribers(of: topics[0]) == ["server2"])
    await two.stop()
    // What is known of a lease may be a second old.
    #expect(await eventually { await one.subscribers(of: topics[0]) == [] })
    // A later process of the node has none of its subscriptions.
    let later = try await fixture.start("server2", epoch: 2)
    #expect(await later.subscribers(of: topics[0]) == [])
    _ = await later.submit([.subscribe(topics[0], shard: 0)])
    #expect(await eventually { await one.subscribers(of: topics[0]) == ["server2"] })
  }

  @Test(arguments: RegistryKind.allCases)
  func `a former process of a node changes nothing of the later one's`(
    _ kind: RegistryKind
  ) async throws {
    let fixture = try RegistryFixture(kind)
    // As text the older epoch is the greater.
    let older = try await fixture.start("server1", epoch: 9)
    let later = try await fixture.start("server1", epoch: 10)
    _ = await older.submit([.subscribe(topics[0], shard: 0)])
    #expect(await later.submit([.subscribe(topics[0], shard: 0)]) == [.subscribed])
    _ = await older.submit([.unsubscribe(topics[0], shard: 0)])
    #expect(await later.subscribers(of: topics[0]) == ["server1"])
    _ = await older.submit([.subscribe(topics[0], shard: 0)])
    #expect(await later.subscribers(of: topics[0]) == ["server1"])
  }

  @Test(arguments: RegistryKind.allCases)
  func `changes take effect in the order given`(_ kind: RegistryKind) async throws {
    let node = try await RegistryFixture(kind).start("server1")
    let topic = topics[0]
    for round in 0..<100 {
      let changes: [RegistryRequest.Operation] = [
        .unsubscribe(topic, shard: 0), .subscribe(topic, shard: 0),
      ]
      _ = await node.submit(round % 2 == 0 ? changes : changes.reversed())
      #expect(await node.subscribers(of: topic) == (round % 2 == 0 ? ["server1"] : []))
    }
  }
}

extension RegistryNode {
  func subscribers(of topic: Topic) async -> [String]? {
    guard case .subscribers(let nodes) = await submit([.subscribers(of: topic)]).first else {
      return nil
    }
    return nodes.map(\.name)
  }
}
