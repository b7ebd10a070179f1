import Glibc
import HTTP1
import Reactor
import TestKernel
import Testing

@testable import Gateway

@Suite struct RequestTimeTests {
  private let application = RecordingApplication()
  private let server: TestServer

  init() throws {
    let application = application
    server = try TestServer { _ in application }
  }

  @Test func `a head that drips gets 408, and others are served meanwhile`() {
    let other = TestClient(to: server)
    let client = TestClient(to: server)
    server.pass(.seconds(5))
    for byte in "GET / HTTP".utf8 {
      client.send([byte])
      #expect(client.text.isEmpty)
      other.get("/meanwhile")
      #expect(other.response()?.status == 200)
      server.pass(.seconds(1))
    }
    let response = client.response()
    #expect(response?.status == 408)
    #expect(response?.fields["connection"] == "close")
    #expect(client.receivesEnd())
    #expect(server.worker.counters.connections == 2)
    server.pass(.milliseconds(5_020))
    #expect(server.worker.counters.connections == 1)
  }

  @Test func `a body that drips gets 408, though the head took its time`() {
    let client = TestClient(to: server)
    client.send("POST /a HTTP/1.1\r\n")
    server.pass(.seconds(8))
    client.send("Host: a\r\nContent-Length: 100\r\n\r\n")
    server.pass(.seconds(8))
    client.send("some")
    server.settle()
    #expect(client.text.isEmpty)
    server.pass(.seconds(3))
    #expect(client.response()?.status == 408)
    #expect(application.requests.isEmpty)
  }

  @Test func `a connection without a request is closed without a word`() {
    let client = TestClient(to: server)
    server.pass(.seconds(9))
    #expect(server.worker.counters.connections == 1)
    server.pass(.seconds(2))
    #expect(client.receivesEnd())
    #expect(client.received.isEmpty)
    #expect(server.worker.counters.connections == 0)
    #expect(server.loop.handlerCount == 1)
  }

  @Test(arguments: ["/a", "/later"])
  func `an idle connection stays for the keep-alive time behind an answer`(path: String) {
    let client = TestClient(to: server)
    client.get(path)
    server.pass(.seconds(100))
    application.connection?.respond(.text(.ok, "b"))
    if path == "/later" {
      #expect(client.response()?.body == "b")
      server.pass(.seconds(74))
      client.get("/c")
      #expect(client.response()?.body == "/c")
      server.pass(.seconds(76))
    }
    #expect(client.receivesEnd() || client.wasReset)
    #expect(server.worker.counters.connections == 0)
  }

  @Test func `a client that does not end the connection is cut off after the close time`() {
    let client = TestClient(to: server)
    client.send("no HTTP\r\n\r\n")
    #expect(client.response()?.status == 400)
    server.pass(.milliseconds(4_900))
    client.send("still here")
    #expect(server.worker.counters.connections == 1)
    server.pass(.milliseconds(150))
    #expect(server.worker.counters.connections == 0)
  }

  @Test func `out of descriptors, accepting pauses and those who are here are served`() {
    let other = TestClient(to: server)
    other.get("/a")
    #expect(other.response()?.body == "/a")
    server.kernel.acceptAnswers = [-EMFILE]
    let client = TestClient(to: server)
    client.get("/b")
    server.settle()
    #expect(server.pauses.map(\.code) == [EMFILE])
    other.get("/c")
    #expect(other.response()?.body == "/c")
    server.pass(Listener.pause + .milliseconds(20))
    #expect(client.response()?.body == "/b")
    #expect(server.pauses.count == 1)
  }

  @Test func `connections over the limit are closed as they come`() throws {
    var limits = GatewayLimits()
    limits.connectionsMax = 1
    let small = try TestServer(limits: limits) { _ in RecordingApplication() }
    let first = TestClient(to: small)
    let second = TestClient(to: small)
    #expect(second.receivesEnd())
    first.get("/a")
    #expect(first.response()?.body == "/a")
    #expect(small.worker.counters.refused == 1)
    first.close()
    small.settle()
    let third = TestClient(to: small)
    third.get("/b")
    #expect(third.response()?.body == "/b")
  }
}
