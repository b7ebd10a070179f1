import Reactor
import RedisClient
import TestServers
import Testing

struct RedisClientTests {
  /// A client on a loop of its own, and what it told.
  final class Fixture: Sendable {
    let loop = TestLoop()
    let events = Collector<RedisEvent>()
    let client: Confined<RedisClient>

    convenience init(port: UInt16, limits: RedisLimits = .quick, url suffix: String = "") async {
      await self.init(url: "redis://127.0.0.1:\(port)\(suffix)", limits: limits)
    }

    /// - Parameter ports: where the host is to be found, one address each.
    init(url: String, limits: RedisLimits = .quick, ports: [UInt16]? = nil) async {
      let events = events
      client = await loop.run { loop in
        let client = RedisClient(
          endpoint: RedisEndpoint(url)!, limits: limits, on: loop,
          resolver: ports.map { Resolver(on: loop, ports: $0) }
        ) { events.add($0) }
        client.start()
        return Confined(client)
      }
    }

    // Its timer may be about to fire: it must not go while the loop runs, but on the loop.
    deinit { loop.post { [client] _ in client.value.stop() } }

    func send(_ arguments: String...) async -> RedisOutcome? {
      let outcomes = Collector<RedisOutcome>()
      let client = client
      await loop.run { _ in client.value.send(RedisCommand(arguments)) { outcomes.add($0) } }
      return await outcomes.wait { !$0.isEmpty }.first
    }

    func waitForConnections(_ count: Int) async {
      await events.wait { $0.count { $0 == .connected } >= count }
    }

    var failures: [RedisFailure.Kind] {
      events.all.compactMap { if case .lost(let failure) = $0 { failure.kind } else { nil } }
    }
  }

  static let honest: @Sendable (FakeConnection) -> Void = { connection in
    while let bytes = connection.readSome() {
      let text = String(decoding: bytes, as: UTF8.self)
      connection.write(text.contains("PING") ? "+PONG\r\n" : "$2\r\nhi\r\n")
    }
  }

  @Test func `replies of every kind come back`() async throws {
    let server = try RedisServer()
    let fixture = await Fixture(port: server.port)
    await fixture.waitForConnections(1)
    #expect(await fixture.send("SET", "k", "v") == .value(.status("OK")))
    #expect(await fixture.send("GET", "k") == .value(.string(Array("v".utf8))))
    #expect(await fixture.send("GET", "none") == .value(.null))
    #expect(await fixture.send("INCR", "n") == .value(.integer(1)))
    guard case .value(.error(let message)) = await fixture.send("INCR", "k") else {
      return #expect(Bool(false))
    }
    #expect(message.hasPrefix("ERR"))
    let script = "return {1, {'a', {}}, false}"
    #expect(
      await fixture.send("EVAL", script, "0")
        == .value(
          .array([.integer(1), .array([.string([97]), .array([])]), .null])))
  }

  @Test func `commands beyond the bound are refused at once`() async throws {
    let server = try RedisServer()
    var limits = RedisLimits()
    limits.outstandingMax = 10
    let fixture = await Fixture(port: server.port, limits: limits)
    await fixture.waitForConnections(1)
    let outcomes = Collector<RedisOutcome>()
    let client = fixture.client
    await fixture.loop.run { _ in
      for _ in 0..<15 { client.value.send(RedisCommand(["PING"])) { outcomes.add($0) } }
    }
    let all = await outcomes.wait { $0.count == 15 }
    #expect(all.count { $0 == .unavailable } == 5)
    #expect(all.prefix(5).allSatisfy { $0 == .unavailable })
  }

  @Test func `a reply in single bytes is read`() async {
    let server = FakeServer { connection, _ in
      while connection.readSome() != nil {
        for byte in "+PONG\r\n".utf8 { connection.write([byte]) }
      }
    }
    let fixture = await Fixture(port: server.port)
    await fixture.waitForConnections(1)
    #expect(await fixture.send("PING") == .value(.status("PONG")))
  }

  /// What a broken or hostile server answers to a command, over and over.
  static let absurdReplies: [(String, RedisFailure.Kind)] = [
    ("HTTP/1.1 400 Bad Request\r\n", .badReply),
    ("+OK\r\n+OK\r\n", .badReply),
    ("-ERR first\r\n-ERR second\r\n", .badReply),
    ("*2147483647\r\n", .badReply),
    ("*99999999999999999999\r\n", .badReply),
    ("*-5\r\n", .badReply),
    ("*100000\r\n", .badReply),
    ("*1000\r\n*1000\r\n:1\r\n", .badReply),
    ("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", .badReply),
    ("$9223372036854775807\r\n", .badReply),
    ("$9223372036854775806\r\n", .badReply),
    ("$-5\r\n", .badReply),
    ("$1000000000\r\nabcdefghijklmnopqrstuvwxyz", .badReply),
    (":99999999999999999999999\r\n", .badReply),
    (":1x\r\n", .badReply),
    ("+endless line without an end ", .badReply),
    ("\0\0\0\0", .badReply),
  ]

  @Test(arguments: 0..<absurdReplies.count)
  func `an absurd reply ends the connection and the next one works`(_ row: Int) async {
    let (reply, kind) = Self.absurdReplies[row]
    let server = FakeServer { connection, number in
      guard number == 0 else { return Self.honest(connection) }
      _ = connection.readSome()
      connection.write("+PONG\r\n")
      _ = connection.readSome()
      let block = String(repeating: reply, count: 4_096 / reply.utf8.count + 1)
      // Not more than the client could take: else an endless reply would never end the test.
      for _ in 0..<16_384 where !connection.write(block) { return }
      connection.waitForEnd()
    }
    let fixture = await Fixture(port: server.port)
    await fixture.waitForConnections(1)
    _ = await fixture.send("GET", "k")
    await fixture.waitForConnections(2)
    #expect(fixture.failures == [kind])
    #expect(await fixture.send("GET", "k") == .value(.string(Array("hi".utf8))))
  }

  @Test func `a reply that is cut is answered unavailable`() async {
    let server = FakeServer { connection, number in
      guard number == 0 else { return Self.honest(connection) }
      _ = connection.readSome()
      connection.write("+PONG\r\n")
      _ = connection.readSome()
      connection.write("$10\r\nabc")
    }
    let fixture = await Fixture(port: server.port)
    await fixture.waitForConnections(1)
    #expect(await fixture.send("GET", "k") == .unavailable)
    await fixture.waitForConnections(2)
    #expect(fixture.failures == [.lost])
  }

  @Test func `many answers at once leave turns to others, and stay in order`() async {
    let count = 400
    let server = FakeServer { connection, _ in
      _ = connection.readSome()
      connection.write("+PONG\r\n")
      _ = connection.readSome()
      connection.write((0..<count).map { ":\($0)\r\n" }.joined())
      connection.waitForEnd()
    }
    let fixture = await Fixture(port: server.port)
    await fixture.waitForConnections(1)
    let outcomes = Collector<RedisOutcome>()
    let answeredBefore = Collector<Int>()
    let client = fixture.client
    await fixture.loop.run { loop in
      let mailbox = loop.makeMailbox(Void.self) { _ in answeredBefore.add(outcomes.all.count) }
      for _ in 0..<count {
        client.value.send(RedisCommand(["GET", "k"])) { outcome in
          outcomes.add(outcome)
          if outcomes.all.count == 1 { mailbox.post(()) }
          // As one that begins much.
          let end = loop.kernel.now() + .microseconds(100)
          while loop.kernel.now() < end {}
        }
      }
    }
    #expect(
      await outcomes.wait { $0.count == count }
        == (0..<count).map { .value(.integer(Int64($0))) })
    // A turn takes 2 ms of them.
    #expect(answeredBefore.all.count == 1 && answeredBefore.all[0] <= 21)
  }

  @Test func `a script that the server has lost runs in the order of the runs`() async {
    let sent = Collector<String>()
    let server = FakeServer { connection, _ in
      func read() {
        sent.add(connection.readSome().map { String(decoding: $0, as: UTF8.self) } ?? "")
      }
      _ = connection.readSome()
      connection.write("+PONG\r\n")
      _ = connection.readSome()
      connection.write("$3\r\nabc\r\n+OK\r\n")
      _ = connection.readSome()
      connection.write("-NOSCRIPT No matching script.\r\n")
      read()
      // Somebody else gave it the script behind the first.
      connection.write(":20\r\n:30\r\n")
      read()
      connection.write(":1\r\n:2\r\n:3\r\n:4\r\n")
      connection.waitForEnd()
    }
    let fixture = await Fixture(port: server.port)
    await fixture.waitForConnections(1)
    let client = fixture.client
    let loaded = Collector<RedisOutcome>()
    let script = await fixture.loop.run { _ in
      let script = RedisScript("return ARGV[1]")
      script.load(on: client.value)
      client.value.send(RedisCommand(["GET", "k"])) { loaded.add($0) }
      return Confined(script)
    }
    await loaded.wait { !$0.isEmpty }
    let outcomes = Collector<RedisOutcome>()
    @Sendable func run(_ argument: String, _ answer: RedisScript.Answer) {
      script.value.runInOrder(on: client.value, key: "k", [argument], repeated: answer) {
        outcomes.add($0)
      }
    }
    await fixture.loop.run { _ in
      run("first", .first)
      run("second", .last)
      run("third", .first)
    }
    await sent.wait { $0.count == 1 }
    await fixture.loop.run { _ in run("fourth", .last) }
    #expect(
      await outcomes.wait { $0.count == 4 } == [1, 2, 30, 4].map { .value(.integer($0)) })
    let words = sent.all.joined().split(separator: "\r\n").map(String.init)
    let known = ["EVAL", "EVALSHA", "first", "second", "third", "fourth"]
    #expect(
      words.filter { known.contains($0) }
        == ["EVAL", "first", "EVAL", "second", "EVAL", "third", "EVALSHA", "fourth"])
  }

  @Test func `a server that never answers is given up`() async {
    let server = FakeServer { connection, number in
      switch number {
      case 0: connection.waitForEnd()
      case 1:
        _ = connection.readSome()
        connection.write("+PONG\r\n")
        connection.waitForEnd()
      default: Self.honest(connection)
      }
    }
    let fixture = await Fixture(port: server.port)
    await fixture.waitForConnections(1)
    #expect(await fixture.send("GET", "k") == .unavailable)
    await fixture.waitForConnections(2)
    #expect(fixture.failures == [.timedOut, .timedOut])
  }

  @Test func `stopping answers what is outstanding`() async {
    let server = FakeServer { connection, _ in
      _ = connection.readSome()
      connection.write("+PONG\r\n")
      connection.waitForEnd()
    }
    let fixture = await Fixture(port: server.port)
    await fixture.waitForConnections(1)
    let outcomes = Collector<RedisOutcome>()
    let client = fixture.client
    await fixture.loop.run { _ in
      for _ in 0..<3 { client.value.send(RedisCommand(["GET", "k"])) { outcomes.add($0) } }
      client.value.stop()
      client.value.send(RedisCommand(["GET", "k"])) { outcomes.add($0) }
    }
    #expect(outcomes.all == Array(repeating: .unavailable, count: 4))
    #expect(fixture.failures == [])
  }
}

extension RedisLimits {
  /// Short times for servers on the same machine.
  static var quick: RedisLimits {
    var limits = RedisLimits()
    limits.commandTimeout = .seconds(2)
    limits.connectTimeout = .seconds(2)
    limits.reconnectDelayMax = .milliseconds(50)
    return limits
  }
}

struct RedisEndpointTests {
  @Test func `the password stays out of the description`() throws {
    let endpoint = try #require(RedisEndpoint("redis://:secret@localhost:6380/4"))
    #expect(endpoint.database == 4)
    #expect("\(endpoint)" == "redis://localhost:6380/4")
  }

  @Test(arguments: ["redis://h/x", "redis://h/-1", "redis://h/70000", "redisx://h", "h:6379"])
  func `refuses what is no Redis URL`(_ text: String) { #expect(RedisEndpoint(text) == nil) }
}
