import Bytes
import Forwarding
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

  @Test func `an address has its share of the handshakes, and others have theirs`() throws {
    var limits = GatewayLimits()
    limits.handshakesMax = 3
    limits.handshakesPerAddressMax = 1
    let trusted = TrustedProxies([IPNetwork("127.0.0.1")!])
    let server = try TestServer(
      limits: limits, proxies: ProxyPolicy(trusted: trusted, expectsHeader: true)
    ) { [application] _ in application }
    server.worker.tls = self.server.worker.tls
    func connect(_ client: String) -> TestClient {
      let socket = TestClient(to: server)
      socket.send(client.isEmpty ? "PROXY UNKNOWN\r\n" : "PROXY TCP4 \(client) 127.0.0.1 1 2\r\n")
      server.settle()
      return socket
    }
    var counters: GatewayCounters { server.worker.counters }
    let first = connect("203.0.113.7")
    let second = connect("203.0.113.7")
    #expect(second.receivesEnd() || second.wasReset)
    #expect(counters.handshakes == 1 && counters.refused == 1 && counters.overAddressLimit == 1)
    let others = [connect("203.0.113.8"), connect("")]
    #expect(counters.handshakes == 3 && counters.refused == 1)
    for client in [first] + others { client.close() }
    server.settle()
    #expect(counters.handshakes == 0)
    #expect(server.worker.handshakeAddresses.addressCount == 0)
    // The proxy's own are not limited so.
    let proxied = (0..<2).map { _ in connect("") }
    #expect(counters.handshakes == proxied.count)
  }

  @Test func `why handshakes fail is counted`() {
    TestClient(to: server).send("GET / HTTP/1.1\r\n\r\n")
    TestClient(to: server).send([22, 3, 1, 0, 4, 1, 0, 0x80, 0])
    server.settle()
    #expect(counters.handshakeFailures == [.notTLS: 1, .longHello: 1])
    TestClient(to: server).close()
    server.settle()
    #expect(counters.handshakesFailed == 3)
    #expect(counters.handshakeFailures.count == 2)
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
