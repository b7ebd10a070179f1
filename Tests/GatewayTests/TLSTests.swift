import Bytes
import Reactor
import TLS
import TestServers
import Testing

@testable import Gateway

/// A client's TLS over a socket in the test's hand.
private final class SecureClient {
  let socket: TestClient
  private let session: TLSSession
  private(set) var received: [UInt8] = []
  private(set) var hasEnded = false

  init(to server: TestServer, trusting authority: String) throws {
    socket = TestClient(to: server)
    session = TLSSession(client: try TLSContext(trusting: .file(authority)), host: "127.0.0.1")!
    var sealed = ByteBuffer()
    session.start(&sealed)
    socket.send(Array(sealed.bytes))
  }

  /// Takes and answers what has come until `isDone`.
  func carry(until isDone: (SecureClient) -> Bool) -> Bool {
    socket.receive {
      openReceived()
      return isDone(self)
    }
  }

  var isEstablished: Bool { session.isEstablished }

  private func openReceived() {
    let start = StreamLayer.sealedStart
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: start + socket.received.count, alignment: 16)
    defer { buffer.deallocate() }
    UnsafeMutableRawBufferPointer(rebasing: buffer[start...]).copyBytes(from: socket.received)
    socket.received = []
    var sealed = ByteBuffer()
    let opened = session.open(buffer, from: start, sealed: &sealed)
    received += buffer[..<opened.count]
    if case .ended = opened.state { hasEnded = true }
    if sealed.count > 0 { socket.send(Array(sealed.bytes)) }
  }

  func send(_ text: String) {
    var sealed = ByteBuffer()
    let failure = Array(text.utf8).withUnsafeBytes { session.seal($0, into: &sealed) }
    #expect(failure == nil)
    socket.send(Array(sealed.bytes))
  }
}

@Suite struct TLSTests {
  private let application = RecordingApplication()
  private let certificates: TestCertificates
  private let server: TestServer

  init() throws {
    let application = application
    certificates = try TestCertificates()
    var limits = GatewayLimits()
    limits.handshakesMax = 2
    server = try TestServer(limits: limits) { _ in application }
    let pair = try certificates.make("localhost")
    server.worker.tls = try TLSContext(
      certificate: pair.certificate, key: pair.key, tickets: TicketKeys())
  }

  private var counters: GatewayCounters { server.worker.counters }

  @Test func `a request is answered, and the end is said`() throws {
    let client = try SecureClient(to: server, trusting: certificates.authority)
    #expect(client.carry { $0.isEstablished })
    client.send("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    #expect(client.carry { $0.hasEnded })
    let answer = String(decoding: client.received, as: UTF8.self)
    #expect(answer.hasPrefix("HTTP/1.1 200"))
    #expect(counters.handshakesDone == 1 && counters.handshakes == 0)
    #expect(counters.handshakesFailed == 0)
  }

  @Test func `handshakes under way are bounded, and their end makes room`() throws {
    let slow = [TestClient(to: server), TestClient(to: server)]
    server.settle()
    #expect(counters.handshakes == 2)
    let late = TestClient(to: server)
    #expect(late.receivesEnd() || late.wasReset)
    #expect(counters.refused == 1)
    server.pass(.seconds(11))
    for client in slow { #expect(client.receivesEnd()) }
    #expect(counters.handshakes == 0 && counters.handshakesFailed == 2)
    let client = try SecureClient(to: server, trusting: certificates.authority)
    #expect(client.carry { $0.isEstablished })
  }

  @Test func `a handshake that drips ends as a silent one`() {
    let client = TestClient(to: server)
    for byte in [22, 3, 1, 2, 0, 1, 0, 1, 252, 3] as [UInt8] {
      client.send([byte])
      server.pass(.milliseconds(990))
      #expect(counters.connections == 1)
    }
    server.pass(.seconds(1))
    #expect(client.receivesEnd())
    #expect(counters.handshakesFailed == 1)
  }

  @Test func `connections that are up take no room from handshakes`() throws {
    let clients = try (0..<4).map { _ in
      let client = try SecureClient(to: server, trusting: certificates.authority)
      #expect(client.carry { $0.isEstablished })
      return client
    }
    server.settle()
    #expect(counters.connections == clients.count)
    #expect(counters.handshakes == 0 && counters.refused == 0)
  }

  @Test func `a connection keeps its certificate when the worker gets another`() throws {
    let client = try SecureClient(to: server, trusting: certificates.authority)
    #expect(client.carry { $0.isEstablished })
    let others = try TestCertificates()
    let pair = try others.make("localhost")
    server.worker.tls = try TLSContext(
      certificate: pair.certificate, key: pair.key, tickets: TicketKeys())
    client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(client.carry { !$0.received.isEmpty })
    let next = try SecureClient(to: server, trusting: others.authority)
    #expect(next.carry { $0.isEstablished })
  }
}
