import Forwarding
import HTTP1
import Reactor
import Testing

@testable import Gateway

/// Connections that begin with a PROXY header.
@Suite struct ProxyHeaderTests {
  private let application = RecordingApplication()
  private let server: TestServer

  init() throws {
    let application = application
    var limits = GatewayLimits()
    limits.connectionsPerAddressMax = 1
    limits.connectionsMax = 3
    let trusted = TrustedProxies([IPNetwork("127.0.0.1")!, IPNetwork("10.0.0.0/8")!])
    server = try TestServer(
      limits: limits, proxies: ProxyPolicy(trusted: trusted, expectsHeader: true)
    ) { _ in application }
  }

  private func line(_ source: String) -> String { "PROXY TCP4 \(source) 127.0.0.1 4711 80\r\n" }

  @Test func `says whom the connection is from, in front of the first request`() {
    let client = TestClient(to: server)
    client.send(line("203.0.113.7") + client.request("/later"))
    server.settle()
    #expect(application.connection?.clientAddress == IPAddress("203.0.113.7"))
    application.connection?.respond(.text(.ok, "b"))
    #expect(client.response()?.body == "b")
    #expect(client.open()?.status == 101)
    #expect(application.connection?.clientAddress == IPAddress("203.0.113.7"))
    #expect(server.worker.counters.connections == 1)
    client.close()
    server.settle()
    #expect(server.worker.addresses.addressCount == 0)
    #expect(server.loop.handlerCount == 1)
  }

  @Test func `may come in single bytes, and be longer than one look at it`() {
    let block: [UInt8] =
      [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10, 0x21, 0x11, 0x08, 0x0C]
      + [203, 0, 113, 7, 127, 0, 0, 1, 0x12, 0x34, 0, 80] + Array(repeating: 0xEE, count: 2048)
    let client = TestClient(to: server)
    for byte in block.prefix(40) {
      client.send([byte])
      server.loop.turn()
    }
    client.send(Array(block.dropFirst(40)) + Array(client.request("/later").utf8))
    server.settle()
    server.settle()
    #expect(application.connection?.clientAddress == IPAddress("203.0.113.7"))
  }

  @Test func `of the proxy's own connection leaves it the proxy's`() {
    let client = TestClient(to: server)
    client.send("PROXY UNKNOWN\r\n" + client.request("/later"))
    server.settle()
    #expect(application.connection?.clientAddress == IPAddress("127.0.0.1"))
  }

  @Test func `of another trusted proxy's lets that one speak for its clients`() {
    let client = TestClient(to: server)
    client.send(line("10.0.0.1") + client.request("/later", ["X-Forwarded-For: 203.0.113.7"]))
    server.settle()
    #expect(application.connection?.clientAddress == IPAddress("203.0.113.7"))
    let other = TestClient(to: server)
    other.send(line("203.0.113.8") + other.request("/later", ["X-Forwarded-For: 203.0.113.9"]))
    server.settle()
    #expect(application.connection?.clientAddress == IPAddress("203.0.113.8"))
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "PROXY TCP4 203.0.113.7\r\n", "\u{16}\u{3}\u{1}",
  ])
  func `is not left out`(text: String) {
    let client = TestClient(to: server)
    client.send(text)
    #expect(client.receivesEnd() || client.wasReset)
    #expect(client.received.isEmpty)
    #expect(server.worker.counters.badProxyHeaders == 1)
    #expect(server.worker.counters.connections == 0)
    #expect(application.requests.isEmpty)
    #expect(server.loop.handlerCount == 1)
  }

  @Test func `has the time of a request, and an end before it is an end`() {
    let slow = TestClient(to: server)
    let gone = TestClient(to: server)
    for client in [slow, gone] { client.send("PROXY TCP4 203.") }
    server.settle()
    #expect(server.worker.counters.connections == 2)
    gone.close()
    server.pass(.seconds(9))
    #expect(server.worker.counters.connections == 1)
    server.pass(.seconds(2))
    #expect(slow.receivesEnd() || slow.wasReset)
    #expect(server.worker.counters.connections == 0)
    #expect(server.worker.counters.badProxyHeaders == 2)
    #expect(server.loop.handlerCount == 1)
  }

  @Test func `counts for the limits, of all connections and of an address's`() {
    let waiting = (0..<2).map { _ in TestClient(to: server) }
    server.settle()
    let client = TestClient(to: server)
    client.send(line("127.0.0.9") + client.request("/a"))
    #expect(client.response()?.status == 200)
    let over = TestClient(to: server)
    #expect(over.receivesEnd() || over.wasReset)
    waiting[0].send(line("127.0.0.9"))
    #expect(waiting[0].receivesEnd() || waiting[0].wasReset)
    #expect(server.worker.counters.overAddressLimit == 1)
    #expect(server.worker.counters.connections == 2)
    waiting[1].send(line("127.0.0.8") + waiting[1].request("/a"))
    #expect(waiting[1].response()?.status == 200)
  }

  @Test func `from a stranger is refused with the connection`() throws {
    let application = application
    let strict = try TestServer(
      proxies: ProxyPolicy(
        trusted: TrustedProxies([IPNetwork("10.0.0.0/8")!]), expectsHeader: true)
    ) { _ in application }
    let client = TestClient(to: strict)
    #expect(client.receivesEnd() || client.wasReset)
    #expect(strict.worker.counters.refused == 1)
    #expect(strict.worker.counters.connections == 0)
  }
}
