import AMQPClient
import ChatBackends
import ChatCore
import Reactor
import TestServers
import Testing

/// All tests over the one broker, one after another.
@Suite(.serialized)
struct BusTests {
  /// What every bus promises.
  @Suite(.serialized)
  struct Contract {
    @Test(arguments: BusKind.allCases)
    func `envelopes arrive whole and in order`(_ kind: BusKind) async throws {
      let fixture = BusFixture(kind)
      let one = try await fixture.start("order1")
      let two = try await fixture.start("order2")
      for start in stride(from: 0, to: 3_000, by: 100) {
        one.publish(.node(two.id), start..<start + 100)
      }
      #expect(await two.arrived(count: 3_000) == Array(0..<3_000))
      one.publish(.node(two.id), 7..<8, bodyBytes: 200_000)
      let large = await two.events.wait { $0.last?.arrivedNumbers == [7] }
      guard case .arrived(let envelopes) = large.last else { return #expect(Bool(false)) }
      #expect(envelopes == [envelope(7, bodyBytes: 200_000)])
      await one.stop()
      await two.stop()
    }

    @Test(arguments: BusKind.allCases)
    func `all means every node but the sender`(_ kind: BusKind) async throws {
      let fixture = BusFixture(kind)
      let nodes = [
        try await fixture.start("all1"), try await fixture.start("all2"),
        try await fixture.start("all3"),
      ]
      nodes[0].publish(.all, 0..<10)
      nodes[1].publish(.node(nodes[0].id), 10..<11)
      #expect(await nodes[1].arrived(count: 10) == Array(0..<10))
      #expect(await nodes[2].arrived(count: 10) == Array(0..<10))
      #expect(await nodes[0].arrived(count: 1) == [10])
      for node in nodes { await node.stop() }
    }

    @Test(arguments: BusKind.allCases)
    func `envelopes to a node that never was are returned`(_ kind: BusKind) async throws {
      let fixture = BusFixture(kind)
      let one = try await fixture.start("return1")
      one.publish(.node(NodeID("nowhere")!), 0..<300)
      let events = await one.events.wait { $0.flatMap(\.returnedNumbers).count >= 300 }
      #expect(events.flatMap(\.returnedNumbers) == Array(0..<300))
      for case .returned(_, let node) in events { #expect(node == NodeID("nowhere")) }
      await one.stop()
    }
  }

  /// The bus over RabbitMQ when the broker fails it.
  @Suite(.serialized)
  struct Faults {
    private let fixture = BusFixture(.rabbitMQ)
    private let server: RabbitMQServer

    init() throws { server = try BusFixture.server.get() }

    @Test func `the topology is the documented one`() async throws {
      let node = try await fixture.start("topology1")
      let queues = try server.control(
        "-q", "list_queues", "--no-table-headers", "name", "durable", "auto_delete", "arguments")
      let line = queues.split(separator: "\n").first { $0.contains("chat.queue.topology1") }
      let text = try #require(line.map(String.init))
      for part in ["true\tfalse", "x-message-ttl\",60000", "drop-head", "x-max-length"] {
        #expect(text.contains(part))
      }
      #expect(!text.contains("x-expires"))
      let bindings = try server.control(
        "-q", "list_bindings", "--no-table-headers", "source_name", "destination_name",
        "routing_key")
      #expect(bindings.contains("chat.exchange\tchat.queue.topology1\tchat.topology1"))
      #expect(bindings.contains("chat.exchange\tchat.queue.topology1\tchat.all"))
      await node.stop()
    }

    @Test func `one turn's envelopes are one message`() async throws {
      let one = try await fixture.start("batch1")
      let two = try await fixture.start("batch2")
      one.publish(.node(two.id), 0..<256)
      _ = await two.arrived(count: 256)
      #expect(one.rabbit.counters.snapshot.publishedMessages == 1)
      #expect(two.rabbit.counters.snapshot.receivedMessages == 1)
      #expect(two.latencies.all.count == 1)
      #expect(await eventually { one.rabbit.counters.snapshot.queuedEnvelopes == 0 })
      await one.stop()
      await two.stop()
    }

    @Test func `what is published while the broker is down arrives when it is back`() async throws {
      let one = try await fixture.start("down1")
      let two = try await fixture.start("down2")
      one.publish(.node(two.id), 0..<10)
      #expect(await two.arrived(count: 10).count == 10)
      try server.process.kill()
      one.publish(.node(two.id), 10..<20)
      try server.process.start()
      let arrived = await two.arrived(count: 20, within: .seconds(20))
      #expect(Set(arrived) == Set(0..<20))
      #expect(await eventually { one.recoveries == 1 && two.recoveries == 1 })
      one.publish(.node(two.id), 20..<21)
      #expect(await eventually { two.arrived.last == 20 })
      await one.stop()
      await two.stop()
    }

    @Test func `a deleted queue is declared and consumed again`() async throws {
      let one = try await fixture.start("deleted1")
      let two = try await fixture.start("deleted2")
      try server.control("delete_queue", "chat.queue.deleted2")
      #expect(await eventually { two.recoveries == 1 })
      one.publish(.node(two.id), 0..<3)
      #expect(await two.arrived(count: 3) == [0, 1, 2])
      await one.stop()
      await two.stop()
    }

    @Test func `a broker short of memory is waited for`() async throws {
      let one = try await fixture.start("alarm1")
      let two = try await fixture.start("alarm2")
      try server.control("set_vm_memory_high_watermark", "absolute", "1MB")
      for number in 0..<50 {
        one.publish(.node(two.id), number..<number + 1)
        try await Task.sleep(for: .milliseconds(2))
      }
      #expect(one.rabbit.counters.snapshot.queuedEnvelopes > 0)
      try server.control("set_vm_memory_high_watermark", "absolute", "1GB")
      #expect(await two.arrived(count: 50) == Array(0..<50))
      #expect(one.recoveries == 0)
      await one.stop()
      await two.stop()
    }

    @Test func `a second process of a node is refused after three heartbeats`() async throws {
      let first = try await fixture.start("twice")
      let second = await BusFixture.make(
        first.id, url: server.url, on: fixture.loop, heartbeatSeconds: 1)
      let start = ContinuousClock.now
      await #expect { try await second.start() } throws: {
        "\($0)".contains("another process of node twice consumes its queue")
      }
      #expect((.seconds(3)...(.seconds(6))).contains(ContinuousClock.now - start))
      await first.stop()
    }

    @Test func `a successor takes the queue over when its owner goes`() async throws {
      let first = try await fixture.start("successor")
      let second = await BusFixture.make(first.id, url: server.url, on: fixture.loop)
      async let started: Void = second.start()
      try await Task.sleep(for: .milliseconds(300))
      await first.stop()
      try await started
      await second.stop()
    }

    @Test func `a message that is no envelope is dropped and not sent again`() async throws {
      let node = try await fixture.start("junk1")
      let published = Collector<Bool>()
      let url = server.url
      let client = await fixture.loop.run { loop in
        Confined(
          AMQPClient(
            endpoint: AMQPEndpoint(url)!, name: "test", setup: [.confirms], on: loop
          ) { event in
            if case .confirmed = event { published.add(true) }
          })
      }
      await fixture.loop.run { _ in client.value.start() }
      let key = "chat.junk1"
      _ = await eventually {
        await fixture.loop.run { _ in
          client.value.publish([9, 9, 9], exchange: "chat.exchange", key: key) != nil
        }
      }
      #expect(await eventually { node.rabbit.counters.snapshot.undecodableMessages == 1 })
      await published.wait { !$0.isEmpty }
      let left = try server.control(
        "-q", "list_queues", "--no-table-headers", "name", "messages")
      #expect(left.contains("chat.queue.junk1\t0"))
      await fixture.loop.run { _ in client.value.stop {} }
      await node.stop()
    }

    @Test(arguments: [
      ("amqp://guest:wrong@127.0.0.1", "refused: 403"),
      ("amqp://guest:guest@127.0.0.1", "refused: 530"),
    ])
    func `a refusal is one clear error`(_ prefix: String, _ reason: String) async throws {
      let host = reason.contains("530") ? "/missing" : ""
      let url = "\(prefix):\(server.port)\(host)"
      let node = await BusFixture.make(NodeID("refused")!, url: url, on: fixture.loop)
      await #expect { try await node.start() } throws: {
        "\($0)".contains(reason) && !"\($0)".contains("guest:")
      }
    }

    @Test func `an unreachable broker is one clear error`() async throws {
      let url = "amqp://127.0.0.1:\(ServerProcess.freePort())"
      let node = await BusFixture.make(NodeID("alone")!, url: url, on: fixture.loop)
      await #expect { try await node.start() } throws: {
        "\($0)" == "\(url): unreachable: connect: Connection refused"
      }
    }
  }
}
