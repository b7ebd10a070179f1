import Reactor
import Testing
import WebSocket

@testable import Gateway

/// Compressed messages of 1,000 bytes each, of which a turn inflates three. The clock stands still,
/// so a turn ends for them when the test lets time pass.
@Suite struct InflationTests {
  private let application = RecordingApplication()
  private let server: TestServer
  private let tick = Duration.milliseconds(10)

  init() throws {
    let application = application
    application.onMessage = { _, _ in }
    var limits = GatewayLimits()
    limits.compression = CompressionPolicy()
    limits.inflatedBytesPerTurnMax = 3_000
    limits.heldFrameBytesMax = 16_000
    server = try TestServer(limits: limits) { _ in application }
  }

  private func open() -> TestClient {
    let client = TestClient(to: server)
    let response = client.open("/ws", ["Sec-WebSocket-Extensions: permessage-deflate"])
    #expect(response?.fields["sec-websocket-extensions"]?.contains("permessage-deflate") == true)
    return client
  }

  /// In one block that is not compressed (RFC 7692 section 7.2.3.3).
  private func deflated(_ text: String) -> [UInt8] {
    let length = UInt16(1_000)
    let lengths = [length, ~length].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let payload = text.utf8 + Array(repeating: UInt8(ascii: " "), count: 1_000 - text.utf8.count)
    var frame = frame(.text, [0] + lengths + payload + [0])
    frame[0] |= 0x40
    return frame
  }

  private func deflated(_ numbers: ClosedRange<Int>) -> [UInt8] {
    numbers.flatMap { deflated("\($0)") }
  }

  /// What the application was told, without the padding.
  private var events: [String] {
    application.events.map { event in event.split(separator: " ").joined(separator: " ") }
  }

  private func texts(_ numbers: ClosedRange<Int>) -> [String] { numbers.map { "text \($0)" } }

  @Test func `what a turn does not inflate comes in later ones, all of it and in order`() {
    let client = open()
    client.send(deflated(1...8) + frame(.text, "plain") + deflated(9...9))
    server.settle()
    #expect(events == ["opened"] + texts(1...3))
    // Behind what is held, though it has come before that is looked at.
    client.send(deflated(10...10))
    server.pass(tick)
    #expect(events == ["opened"] + texts(1...6))
    // A third turn, if the last two came in one read.
    for _ in 0..<2 { server.pass(tick) }
    #expect(events == ["opened"] + texts(1...8) + ["text plain"] + texts(9...10))
    client.send(frame(.ping, "p"))
    #expect(client.nextFrame() == "pong p")
  }

  @Test func `others are served meanwhile, and those that wait get their share in turn`() {
    let first = open()
    first.send(deflated(1...9))
    server.settle()
    let second = open()
    second.send(deflated(21...25))
    server.settle()
    // One message of a read is always taken.
    #expect(events == ["opened"] + texts(1...3) + ["opened"] + texts(21...21))
    let plain = TestClient(to: server)
    #expect(plain.open()?.status == 101)
    plain.send(frame(.text, "me too"))
    server.settle()
    #expect(events.suffix(1) == ["text me too"])
    let before = events.count
    server.pass(tick)
    // Three messages are a turn's share.
    #expect(Array(events[before...]) == ["text 4", "text 22", "text 5"])
    for _ in 0..<3 { server.pass(tick) }
    let rest = [23, 6, 24, 7, 25, 8, 9].map { "text \($0)" }
    #expect(Array(events[(before + 3)...]) == rest)
  }

  @Test func `who would have more held back than there is room for is closed`() {
    let first = open()
    first.send(deflated(1...13))
    server.settle()
    let second = open()
    second.send(deflated(21...30))
    #expect(second.nextFrame() == "close 1013 too much to inflate")
    // What has gone on leaves room.
    for _ in 0..<4 { server.pass(tick) }
    #expect(events.contains("text 13"))
    let third = open()
    third.send(deflated(31...40))
    for _ in 0..<4 { server.pass(tick) }
    #expect(events.suffix(10) == texts(31...40)[...])
  }

  @Test func `an application that pauses is not told of what was held back`() {
    let client = open()
    client.send(deflated(1...5))
    server.settle()
    application.connection?.setReading(false)
    server.pass(tick)
    client.send(deflated(6...6))
    server.pass(tick)
    #expect(events == ["opened"] + texts(1...3))
    application.connection?.setReading(true)
    server.pass(tick)
    #expect(events == ["opened"] + texts(1...6))
  }

  @Test func `the closing handshake comes behind what was held back`() {
    let client = open()
    client.send(deflated(1...5) + closeFrame(1000))
    server.settle()
    #expect(client.framesNow().isEmpty)
    server.pass(tick)
    #expect(events == ["opened"] + texts(1...5) + ["closed"])
    #expect(client.nextFrame() == "close 1000 ")
    #expect(client.receivesEnd())
  }

  @Test func `a connection that the server closes does not wait for what was held back`() {
    let client = open()
    client.send(deflated(1...9))
    server.settle()
    application.connection?.setReading(false)
    application.connection?.close(.goingAway, reason: "bye")
    #expect(client.nextFrame() == "close 1001 bye")
    client.send(closeFrame(1001))
    server.pass(tick)
    #expect(client.receivesEnd())
    #expect(events == ["opened"] + texts(1...3) + ["closed"])
    client.close()
    server.settle()
    #expect(server.worker.counters.connections == 0)
  }

  @Test func `a client that has gone is forgotten with what was held back`() {
    let client = open()
    client.send(deflated(1...9))
    server.settle()
    client.reset()
    server.settle()
    #expect(server.worker.counters.connections == 0)
    server.pass(tick)
    #expect(events == ["opened"] + texts(1...3) + ["closed"])
  }

  @Test func `what cannot be inflated ends its connection in a later turn too`() {
    let client = open()
    client.send(deflated(1...4) + [0xC1, 0x81, 0, 0, 0, 0, 0xFF] + deflated(5...5))
    server.settle()
    server.pass(tick)
    #expect(client.nextFrame()?.hasPrefix("close 1007") == true)
    #expect(events == ["opened"] + texts(1...4) + ["closed"])
  }
}
