import Forwarding
import HTTP1
import Reactor
import Testing
import WebSocket

@testable import Gateway

/// Requests that come through a proxy, which in these tests is this machine.
@Suite struct ForwardingTests {
  private let application = RecordingApplication()
  private let trusting = ProxyPolicy(trusted: TrustedProxies([IPNetwork("127.0.0.0/8")!]))

  private func server(
    _ proxies: ProxyPolicy, origins: OriginPolicy = .any, perAddress: Int = 2,
    sessionBurst: Int = 100
  ) throws -> TestServer {
    let application = application
    var limits = GatewayLimits()
    limits.connectionsPerAddressMax = perAddress
    limits.sessionBurst = sessionBurst
    limits.sessionRate = 0.001
    return try TestServer(limits: limits, origins: origins, proxies: proxies) { _ in application }
  }

  private func forwarded(_ list: String) -> [String] { ["X-Forwarded-For: \(list)"] }

  @Test func `each request of a trusted proxy says who the client is`() throws {
    let server = try server(trusting)
    let client = TestClient(to: server)
    client.get("/later", forwarded("203.0.113.7"))
    server.settle()
    #expect(application.connection?.clientAddress == IPAddress("203.0.113.7"))
    application.connection?.respond(.text(.ok, ""))
    #expect(client.response()?.status == 200)
    client.get("/later", forwarded("198.51.100.1, 203.0.113.8, 127.0.0.9"))
    server.settle()
    #expect(application.connection?.clientAddress == IPAddress("203.0.113.8"))
    #expect(server.worker.addresses.addressCount == 1)
    application.connection?.respond(.text(.ok, ""))
    #expect(client.response()?.status == 200)
    client.get("/later")
    server.settle()
    #expect(application.connection?.clientAddress == IPAddress("127.0.0.1"))
    application.connection?.respond(.text(.ok, ""))
    #expect(client.response()?.status == 200)
    client.close()
    server.settle()
    #expect(server.worker.addresses.addressCount == 0)
  }

  @Test func `an upgraded connection stays its client's`() throws {
    let server = try server(trusting)
    let client = TestClient(to: server)
    #expect(client.open("/ws", forwarded("203.0.113.7"))?.status == 101)
    #expect(application.connection?.clientAddress == IPAddress("203.0.113.7"))
    #expect(server.worker.addresses.count(of: IPAddress("203.0.113.7")!) == 1)
    client.send(frame(.text, "one"))
    #expect(client.nextFrame() == "text one")
    let connection = application.connection
    client.close()
    server.settle()
    #expect(server.worker.addresses.addressCount == 0)
    #expect(connection?.clientAddress == .unspecified)
  }

  @Test func `what a stranger says of itself is ignored`() throws {
    let server = try server(
      ProxyPolicy(trusted: TrustedProxies([IPNetwork("10.0.0.0/8")!])), origins: .own([]))
    let client = TestClient(to: server)
    client.get("/later", forwarded("203.0.113.7"))
    server.settle()
    #expect(application.connection?.clientAddress == IPAddress("127.0.0.1"))
    application.connection?.respond(.text(.ok, ""))
    #expect(client.response()?.status == 200)
    let claim = ["X-Forwarded-Proto: https", "Origin: https://localhost"]
    #expect(client.open("/ws", claim)?.status == 403)
  }

  @Test func `an address with too many connections gets 429, and others are served`() throws {
    let server = try server(trusting)
    let clients = (0..<2).map { _ in TestClient(to: server) }
    for client in clients {
      #expect(client.open("/ws", forwarded("203.0.113.7"))?.status == 101)
    }
    let proxied = TestClient(to: server)
    let refused = proxied.open("/ws", forwarded("203.0.113.7"))
    #expect(refused?.status == 429)
    #expect(refused?.fields["retry-after"] == "30")
    #expect(server.worker.counters.overAddressLimit == 1)
    // The proxy may go on, for the same client when it has fewer, or another.
    proxied.get("/a", forwarded("203.0.113.8"))
    #expect(proxied.response()?.status == 200)
    proxied.get("/a", forwarded("203.0.113.7"))
    #expect(proxied.response()?.status == 429)
    clients[0].close()
    server.settle()
    #expect(proxied.open("/ws", forwarded("203.0.113.7"))?.status == 101)
    #expect(server.worker.addresses.count(of: IPAddress("203.0.113.7")!) == 2)
  }

  @Test func `an address that begins sessions too often gets 429, and others are served`() throws {
    let server = try server(trusting, sessionBurst: 2)
    let statuses = ["203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8"].map { address in
      let client = TestClient(to: server)
      defer { client.close() }
      return client.open("/ws", forwarded(address))?.status
    }
    #expect(statuses == [101, 101, 429, 101])
    #expect(server.worker.counters.overAddressLimit == 1)
    // Requests that begin none are not counted, nor is the proxy itself.
    for fields in [forwarded("203.0.113.7"), []] {
      let client = TestClient(to: server)
      client.get("/a", fields)
      #expect(client.response()?.status == 200)
      #expect(client.open("/ws", fields)?.status == (fields.isEmpty ? 101 : 429))
    }
  }

  @Test func `neither this machine nor a trusted proxy is limited`() throws {
    for proxies in [ProxyPolicy(), trusting] {
      let server = try server(proxies, perAddress: 1)
      let clients = (0..<3).map { _ in TestClient(to: server) }
      for client in clients {
        client.get("/a")
        #expect(client.response()?.status == 200)
      }
      #expect(server.worker.addresses.count(of: IPAddress("127.0.0.1")!) == 3)
    }
  }

  @Test(arguments: [
    // A proxy in front of the proxy, and others of its network.
    ("2001:db8:1:2::5", nil), ("2001:db8:1:2::6", "2001:db8:1:2::"),
    ("2001:db8:1:2::", "2001:db8:1:2::"),
    // Where the network's own address is trusted, it alone is.
    ("2001:db8:7:7::", nil), ("2001:db8:7:7::1", "2001:db8:7:7::"),
    ("203.0.113.7", "203.0.113.7"), ("127.0.0.9", nil),
  ])
  func `who is limited is told by the whole address`(client: String, limited: String?) throws {
    let trusted = ["127.0.0.0/8", "2001:db8:1:2::5", "2001:db8:7:7::"].map { IPNetwork($0)! }
    let server = try server(ProxyPolicy(trusted: TrustedProxies(trusted)))
    let connection = TestClient(to: server)
    connection.get("/later", forwarded(client))
    server.settle()
    let address = try #require(application.connection).limitedAddress
    #expect(address == limited.map { IPAddress($0)! })
  }

  @Test func `a trusted proxy takes no connections from its network's clients`() throws {
    let trusted = TrustedProxies([IPNetwork("127.0.0.1")!, IPNetwork("2001:db8:1:2::5")!])
    let server = try server(ProxyPolicy(trusted: trusted), perAddress: 1)
    let proxied = (0..<3).map { _ in TestClient(to: server) }
    for client in proxied {
      client.get("/a", forwarded("2001:db8:1:2::5"))
      #expect(client.response()?.status == 200)
    }
    let clients = (0..<2).map { _ in TestClient(to: server) }
    #expect(clients[0].open("/ws", forwarded("2001:db8:1:2::6"))?.status == 101)
    #expect(clients[1].open("/ws", forwarded("2001:db8:1:2::7"))?.status == 429)
  }

  @Test(arguments: [
    (["X-Forwarded-Proto: https", "Origin: https://localhost"], 101),
    (["X-Forwarded-Proto: HTTPS", "Origin: https://LOCALHOST:443"], 101),
    (["Origin: http://own.example"], 101),
    (["X-Forwarded-Proto: https", "Origin: http://own.example"], 101),
    (["X-Forwarded-Proto: https"], 101),
    (["X-Forwarded-Proto: https", "Origin: http://localhost"], 403),
    (["X-Forwarded-Proto: https", "Origin: https://localhost:8443"], 403),
    (["X-Forwarded-Proto: https", "Origin: https://elsewhere.example"], 403),
    (["X-Forwarded-Proto: http", "Origin: http://localhost"], 403),
    (["X-Forwarded-Proto: https, http", "Origin: https://localhost"], 403),
    (["X-Forwarded-Proto: https", "X-Forwarded-Proto: https", "Origin: https://localhost"], 403),
    (["Origin: https://localhost"], 403),
  ])
  func `a page that a proxy serves over TLS is of the own origin`(
    fields: [String], status: Int
  ) throws {
    let server = try server(trusting, origins: .own([Origin("http://own.example")!]))
    #expect(TestClient(to: server).open("/ws", fields)?.status == status)
  }

  @Test func `an origin that a proxy vouches for is none of a list of the operator's`() throws {
    let server = try server(trusting, origins: .only([]))
    let claim = ["X-Forwarded-Proto: https", "Origin: https://localhost"]
    #expect(TestClient(to: server).open("/ws", claim)?.status == 403)
  }
}
