import Glibc
import Reactor
import TestKernel
import Testing
import WebSocket

@testable import Gateway

@Suite struct BackpressureTests {
  private let application = RecordingApplication()
  private let server: TestServer
  private let client: TestClient
  private let payload = [UInt8](repeating: 0x61, count: 10_000)

  init() throws {
    let application = application
    var limits = GatewayLimits()
    limits.pendingBytesHigh = 50_000
    limits.pendingBytesMax = 200_000
    server = try TestServer(limits: limits) { _ in application }
    client = TestClient(to: server)
    client.open()
  }

  private func send(_ count: Int) {
    for _ in 0..<count {
      payload.withUnsafeBytes { application.connection?.send(.text, $0) }
    }
  }

  /// The kernel takes nothing more for this client.
  private func block() {
    server.kernel.sendAnswers = Array(repeating: .fail(EAGAIN), count: 1_000)
  }

  @Test func `a slow reader is told once, and once when all is sent`() {
    block()
    for _ in 0..<10 {
      send(1)
      server.loop.turn()
    }
    #expect(application.events == ["opened", "congested"])
    server.kernel.sendAnswers = [.takeAtMost(90_000)]
    server.loop.turn()
    #expect(application.events == ["opened", "congested"])
    server.settle()
    #expect(application.events == ["opened", "congested", "relieved"])
    for _ in 0..<10 { #expect(client.nextFrame()?.utf8.count == 10_005) }
    let pendingBytes = application.connection?.socket.pendingBytes
    #expect(pendingBytes == 0)
  }

  @Test func `a slow reader's pings are not answered by a pile of pongs`() {
    block()
    send(6)
    server.loop.turn()
    client.send(Array(Array(repeating: frame(.ping, "hi"), count: 200).joined()))
    server.settle()
    let pendingBytes = application.connection?.socket.pendingBytes ?? 0
    #expect(pendingBytes == 6 * 10_004)
  }

  @Test func `a reader over the hard limit is closed, and others are unaffected`() {
    block()
    send(25)
    server.loop.turn()
    #expect(application.events == ["opened", "closed"])
    #expect(server.worker.counters.overflows == 1)
    #expect(server.worker.counters.connections == 0)
    server.kernel.sendAnswers = []
    let other = TestClient(to: server)
    other.open()
    other.send(frame(.text, "hi"))
    #expect(other.nextFrame() == "text hi")
  }

  @Test func `when memory is short readers are congested and closed earlier`() throws {
    let application = application
    var limits = GatewayLimits()
    limits.backlogBytesMax = 70_000
    limits.pendingBytesHigh = 50_000
    limits.pendingBytesHighWhenShort = 5_000
    let server = try TestServer(limits: limits) { _ in application }
    let clients = (0..<2).map { _ in TestClient(to: server) }
    let readers = clients.map {
      $0.open()
      return application.connection
    }
    server.kernel.sendAnswers = Array(repeating: .fail(EAGAIN), count: 1_000)
    func send(_ count: Int, to reader: ClientConnection?) {
      for _ in 0..<count { payload.withUnsafeBytes { reader?.send(.text, $0) } }
      server.loop.turn()
    }
    send(3, to: readers[0])
    send(3, to: readers[1])
    #expect(application.events.last == "opened")
    send(1, to: readers[1])
    #expect(application.events.last == "congested")
    send(2, to: readers[1])
    #expect(application.events.last == "closed")
    #expect(server.worker.counters.overflows == 1)
    #expect(server.loop.backlogBytes < 50_000)
  }

  @Test func `a slow reader still gets the close frame behind what is pending`() {
    block()
    send(6)
    application.connection?.close(.goingAway, reason: "bye")
    server.loop.turn()
    server.kernel.sendAnswers = [.takeAtMost(7)]
    for _ in 0..<6 { #expect(client.nextFrame()?.hasPrefix("text a") == true) }
    #expect(client.nextFrame() == "close 1001 bye")
  }

  @Test func `what a client sends while it is not read waits in the kernel`() {
    application.connection?.setReading(false)
    client.send(frame(.text, "one"))
    server.settle()
    #expect(application.events == ["opened"])
    application.connection?.setReading(true)
    #expect(client.nextFrame() == "text one")
  }
}
