import AMQPClient
import Reactor
import TestServers
import Testing

struct AMQPClientTests {
  /// An event, without the bytes that are valid in its handler only.
  enum Told: Hashable, Sendable {
    case ready
    case delivered(tag: UInt64, key: String, body: [UInt8])
    case confirmed(UInt64)
    case blocked(String)
    case unblocked
    case lost(AMQPFailure)
  }

  /// A client that publishes, on a loop of its own, and what it told.
  final class Fixture: Sendable {
    let loop = TestLoop()
    let events = Collector<Told>()
    let client: Confined<AMQPClient>

    convenience init(port: UInt16, limits: AMQPLimits = .quick) async {
      await self.init(url: "amqp://127.0.0.1:\(port)", limits: limits)
    }

    /// - Parameter ports: where the host is to be found, one address each.
    init(url: String, limits: AMQPLimits = .quick, ports: [UInt16]? = nil) async {
      let events = events
      client = await loop.run { loop in
        let client = AMQPClient(
          endpoint: AMQPEndpoint(url)!, name: "test", setup: [.confirms], limits: limits, on: loop,
          resolver: ports.map { Resolver(on: loop, ports: $0) }
        ) { event in if let told = Told(event) { events.add(told) } }
        client.start()
        return Confined(client)
      }
    }

    // Its timer may be about to fire: it must not go while the loop runs, but on the loop.
    deinit { loop.post { [client] _ in client.value.stop {} } }

    func waitForReady(_ count: Int) async {
      await events.wait { $0.count { $0 == .ready } >= count }
    }

    func publish(_ body: [UInt8]) async -> UInt64? {
      let client = client
      return await loop.run { _ in client.value.publish(body, exchange: "e", key: "k") }
    }

    var failures: [AMQPFailure.Kind] {
      events.all.compactMap { if case .lost(let failure) = $0 { failure.kind } else { nil } }
    }
  }

  static let honest: @Sendable (FakeConnection) -> Void = { connection in
    if FakeBroker.welcome(connection) { connection.waitForEnd() }
  }

  /// What a broken or hostile broker says instead of welcoming the client.
  static let absurdWelcomes: [([UInt8], AMQPFailure.Kind)] = [
    ([], .lost),
    (Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), .badFrame),
    ([UInt8]("AMQP".utf8) + [0, 0, 8, 0], .badFrame),
    ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .badFrame),
    ([1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0], .badFrame),
    (Array(FakeBroker.start.dropLast()) + [0xCD], .badFrame),
    (FakeBroker.frame(1, 0, []), .badFrame),
    (FakeBroker.frame(1, 0, [0, 10, 0, 10, 0, 9, 0xFF, 0xFF, 0xFF, 0xFF]), .badFrame),
    (FakeBroker.method(0, 99, 99), .badFrame),
    (FakeBroker.method(0, 10, 20, FakeBroker.long("challenge")), .badFrame),
    (FakeBroker.tune(), .badFrame),
    (FakeBroker.openOK, .badFrame),
    (FakeBroker.start + FakeBroker.start, .badFrame),
    (FakeBroker.start + FakeBroker.tune(frameMax: 8), .badFrame),
    (FakeBroker.start + FakeBroker.tune() + FakeBroker.channelOpenOK, .badFrame),
    (FakeBroker.start + FakeBroker.tune() + FakeBroker.openOK + FakeBroker.confirmOK, .badFrame),
    (
      FakeBroker.method(
        0, 10, 10,
        [0, 9] + FakeBroker.bytes(0 as UInt32)
          + FakeBroker.long("EXTERNAL") + FakeBroker.long("en_US")), .refused(code: 403)
    ),
    (FakeBroker.start + FakeBroker.close(code: 403, "ACCESS_REFUSED"), .refused(code: 403)),
  ]

  @Test(arguments: 0..<absurdWelcomes.count)
  func `an absurd welcome ends the connection and the next one works`(_ row: Int) async {
    let (bytes, kind) = Self.absurdWelcomes[row]
    let broker = FakeServer { connection, number in
      guard number == 0 else { return Self.honest(connection) }
      _ = connection.read(8)
      connection.write(bytes)
      if !bytes.isEmpty { connection.waitForEnd() }
    }
    let fixture = await Fixture(port: broker.port)
    await fixture.waitForReady(1)
    #expect(fixture.failures == [kind])
  }

  /// What it says once the client is ready.
  static let absurdFrames: [([UInt8], AMQPFailure.Kind)] = [
    (FakeBroker.header(1, bodyBytes: 3), .badFrame),
    (FakeBroker.body(1, [1, 2, 3]), .badFrame),
    (FakeBroker.delivery(tag: 1, key: "k") + FakeBroker.header(1, bodyBytes: .max), .badFrame),
    (FakeBroker.delivery(tag: 1, key: "k") + FakeBroker.header(1, bodyBytes: 1 << 40), .badFrame),
    (
      FakeBroker.delivery(tag: 1, key: "k") + FakeBroker.header(1, bodyBytes: 2)
        + FakeBroker.body(1, [1, 2, 3]), .badFrame
    ),
    (FakeBroker.delivery(tag: 1, key: "k") + FakeBroker.delivery(tag: 2, key: "k"), .badFrame),
    (FakeBroker.delivery(7, tag: 1, key: "k"), .badFrame),
    (FakeBroker.frame(8, 9, []), .badFrame),
    (FakeBroker.frame(9, 0, [1]), .badFrame),
    (FakeBroker.method(1, 20, 20, [1]), .badFrame),
    (
      FakeBroker.method(
        1, 20, 40,
        FakeBroker.bytes(404 as UInt16) + FakeBroker.short("NOT_FOUND")
          + [0, 0, 0, 0]), .refused(code: 404)
    ),
    (FakeBroker.close(code: 320, "CONNECTION_FORCED"), .refused(code: 320)),
    (Array(FakeBroker.confirmation(tag: 1).dropLast(4)), .lost),
    (FakeBroker.frame(3, 1, [UInt8](repeating: 1, count: 200_000)), .badFrame),
  ]

  @Test(arguments: 0..<absurdFrames.count)
  func `an absurd frame ends the connection and the next one works`(_ row: Int) async {
    let (bytes, kind) = Self.absurdFrames[row]
    let broker = FakeServer { connection, number in
      guard number == 0 else { return Self.honest(connection) }
      guard FakeBroker.welcome(connection) else { return }
      connection.write(bytes)
      if kind != .lost { connection.waitForEnd() }
    }
    let fixture = await Fixture(port: broker.port)
    await fixture.waitForReady(2)
    #expect(fixture.failures == [kind])
  }

  @Test func `a broker that never answers is given up`() async {
    let broker = FakeServer { connection, number in
      switch number {
      case 0: connection.waitForEnd()
      // Endless heartbeats are signs of life, but no answers.
      case 1:
        _ = connection.read(8)
        connection.write(FakeBroker.start)
        while connection.write(FakeBroker.heartbeat) {}
      default: Self.honest(connection)
      }
    }
    let fixture = await Fixture(port: broker.port)
    await fixture.waitForReady(1)
    #expect(fixture.failures == [.timedOut, .timedOut])
  }

  @Test func `a broker without heartbeats is given up and gets ours meanwhile`() async {
    let heartbeats = Collector<UInt8>()
    let broker = FakeServer { connection, number in
      guard number == 0 else { return Self.honest(connection) }
      guard FakeBroker.welcome(connection, heartbeat: 1) else { return }
      while let frame = FakeBroker.readFrame(connection) { heartbeats.add(frame.type) }
    }
    let fixture = await Fixture(port: broker.port)
    await fixture.waitForReady(2)
    #expect(fixture.failures == [.timedOut])
    #expect((3...4).contains(heartbeats.all.count) && heartbeats.all.allSatisfy { $0 == 8 })
  }

  @Test func `frames in single bytes are read`() async {
    let body: [UInt8] = [1, 2, 3, 4, 5]
    let broker = FakeServer { connection, _ in
      guard FakeBroker.welcome(connection) else { return }
      let frames =
        FakeBroker.delivery(tag: 9, key: "chat.all") + FakeBroker.header(1, bodyBytes: 5)
        + FakeBroker.heartbeat + FakeBroker.body(1, [1, 2]) + FakeBroker.body(1, [3, 4, 5])
        + FakeBroker.method(0, 10, 60, FakeBroker.short("low on memory"))
        + FakeBroker.method(0, 10, 61)
      for byte in frames { connection.write([byte]) }
      connection.waitForEnd()
    }
    let fixture = await Fixture(port: broker.port)
    let events = await fixture.events.wait { $0.count >= 4 }
    let expected: [Told] = [
      .ready, .delivered(tag: 9, key: "chat.all", body: body), .blocked("low on memory"),
      .unblocked,
    ]
    #expect(events == expected)
  }

  @Test func `a body over the frame limit is cut into frames`() async {
    let received = Collector<[UInt8]>()
    let broker = FakeServer { connection, _ in
      guard FakeBroker.welcome(connection, frameMax: 4_096) else { return }
      while let frame = FakeBroker.readFrame(connection) {
        if frame.type == 3 { received.add(frame.payload) }
      }
    }
    let fixture = await Fixture(port: broker.port)
    await fixture.waitForReady(1)
    let body = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    #expect(await fixture.publish(body) == 1)
    let frames = await received.wait { $0.joined().count == body.count }
    #expect(frames.map(\.count) == [4_088, 4_088, 1_824])
    #expect(Array(frames.joined()) == body)
  }

  @Test func `a broker that stops reading bounds what is taken`() async {
    let broker = FakeServer { connection, _ in
      guard FakeBroker.welcome(connection) else { return }
      // Reads nothing until the client has gone away.
      while connection.write(FakeBroker.heartbeat) {}
    }
    var limits = AMQPLimits.quick
    limits.pendingBytesMax = 256 * 1024
    let fixture = await Fixture(port: broker.port, limits: limits)
    await fixture.waitForReady(1)
    let body = [UInt8](repeating: 7, count: 64 * 1024)
    var taken = 0
    while await fixture.publish(body) != nil, taken < 10_000 { taken += 1 }
    // What the two kernels buffer, and little more.
    #expect(taken < 1_000)
  }
}

extension AMQPClientTests.Told {
  init?(_ event: AMQPEvent) {
    switch event {
    case .ready: self = .ready
    case .delivered(let tag, let key, let body):
      self = .delivered(tag: tag, key: key, body: Array(body))
    case .confirmed(let tag, _, _): self = .confirmed(tag)
    case .blocked(let reason): self = .blocked(reason)
    case .unblocked: self = .unblocked
    case .lost(let failure): self = .lost(failure)
    case .returned, .caughtUp, .consumerCancelled, .writable: return nil
    }
  }
}

extension AMQPLimits {
  /// Short times for brokers on the same machine.
  static var quick: AMQPLimits {
    var limits = AMQPLimits()
    limits.connectTimeout = .seconds(2)
    limits.reconnectDelayMax = .milliseconds(100)
    return limits
  }
}

struct AMQPEndpointTests {
  @Test func `fills in the guest and the first virtual host`() throws {
    for text in ["amqp://h", "amqp://h/", "amqp://guest:guest@h:5672/%2f"] {
      #expect(try #require(AMQPEndpoint(text)).virtualHost == "/")
    }
    #expect(AMQPEndpoint("amqp://u:secret@h/chat")?.description == "amqp://h:5672/chat")
  }

  @Test(arguments: ["amqpx://h", "h:5672", "amqp://h/\(String(repeating: "v", count: 256))"])
  func `refuses what is no AMQP URL`(_ text: String) { #expect(AMQPEndpoint(text) == nil) }
}
