import Glibc
import HTTP1
import Reactor
import TestKernel
import Testing

@testable import Gateway

@Suite struct RequestTests {
  private let application = RecordingApplication()
  private let server: TestServer

  init() throws {
    let application = application
    server = try TestServer { _ in application }
  }

  @Test func `a connection carries one request after the other`() {
    let client = TestClient(to: server)
    for path in ["/a", "/b"] {
      client.get(path)
      let response = client.response()
      #expect(response?.status == 200)
      #expect(response?.body == path)
      #expect(response?.fields["connection"] == nil)
      #expect(response?.fields["date"]?.hasSuffix(" GMT") == true)
    }
    #expect(server.worker.counters.requests == 2)
    #expect(server.worker.counters.connections == 1)
  }

  @Test(arguments: [
    "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n",
  ])
  func `a connection ends behind the answer to the client's last request`(request: String) {
    let client = TestClient(to: server)
    client.send(request + "GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
    let response = client.response()
    #expect(response?.fields["connection"] == "close")
    #expect(response?.body == "/a")
    #expect(client.receivesEnd())
    #expect(application.requests == ["/a"])
  }

  @Test func `pipelined requests are answered in order, also behind one that takes time`() {
    let client = TestClient(to: server)
    client.send(["/a", "/later", "/b", "/later", "/c"].map { client.request($0) }.joined())
    #expect(client.response()?.body == "/a")
    server.settle()
    #expect(client.text.isEmpty)
    application.connection?.respond(.text(.ok, "at last"))
    #expect(client.response()?.body == "at last")
    #expect(client.response()?.body == "/b")
    server.settle()
    #expect(client.text.isEmpty)
    client.get("/d")
    application.connection?.respond(.text(.ok, "at last again"))
    for body in ["at last again", "/c", "/d"] { #expect(client.response()?.body == body) }
  }

  @Test func `HEAD is answered without the body`() {
    let client = TestClient(to: server)
    client.get("/abc", method: "HEAD")
    client.get("/next")
    let response = client.response(toHead: true)
    #expect(response?.fields["content-length"] == "4")
    #expect(client.response()?.body == "/next")
  }

  @Test func `a body is read and thrown away`() {
    let client = TestClient(to: server)
    client.send(client.request("/a", method: "POST", ["Content-Length: 5"]) + "hel")
    server.settle()
    #expect(application.requests.isEmpty)
    client.send("lo" + client.request("/b"))
    #expect(client.response()?.body == "/a")
    #expect(client.response()?.body == "/b")
  }

  @Test func `a client that waits with its body is told to go on`() {
    let client = TestClient(to: server)
    client.get("/a", method: "POST", ["Content-Length: 2", "Expect: 100-continue"])
    #expect(client.response()?.status == 100)
    client.send("hi")
    #expect(client.response()?.body == "/a")
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", 400), ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501), ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505),
    ("GET /" + String(repeating: "a", count: 9_000), 414),
    ("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 17_000), 431),
  ])
  func `bad bytes are answered once, and the answer is not lost to a reset`(
    bytes: String, status: Int
  ) {
    let client = TestClient(to: server)
    client.send(bytes)
    server.settle()
    client.send("and more that nobody will read\r\n\r\n")
    let response = client.response()
    #expect(response?.status == status)
    #expect(response?.fields["connection"] == "close")
    #expect(response?.fields["date"] != nil)
    #expect(client.receivesEnd())
    #expect(client.received.isEmpty)
    #expect(server.worker.counters.badRequests == 1)
    #expect(application.requests.isEmpty)
  }

  @Test(arguments: ["/a", "/later"])
  func `a client that ends its side still gets its answer`(path: String) {
    let client = TestClient(to: server)
    client.get(path)
    client.shutdownWriting()
    server.settle()
    application.connection?.respond(.text(.ok, path))
    #expect(client.response()?.body == path)
    #expect(client.receivesEnd())
    server.settle()
    #expect(server.worker.counters.connections == 0)
  }

  @Test func `a client that ends its side and reads slowly gets every byte`() {
    let client = TestClient(to: server)
    server.kernel.sendAnswers = [.takeAtMost(100), .fail(EAGAIN), .fail(EAGAIN)]
    client.get("/large")
    client.shutdownWriting()
    #expect(client.response()?.body.utf8.count == 16_385)
    #expect(client.receivesEnd())
    server.settle()
    #expect(server.worker.counters.connections == 0)
  }

  @Test(arguments: ["", "GET / HTT", "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"])
  func `a reset at any point ends the connection and nothing else`(bytes: String) {
    let other = TestClient(to: server)
    let client = TestClient(to: server)
    client.send(bytes)
    server.settle()
    client.reset()
    server.settle()
    application.connection?.respond(.text(.ok, "too late"))
    #expect(server.worker.counters.connections == 1)
    other.get("/a")
    #expect(other.response()?.body == "/a")
  }

  @Test func `every byte in its own segment works`() {
    let client = TestClient(to: server)
    for byte in client.request("/a").utf8 {
      client.send([byte])
      server.loop.turn()
    }
    #expect(client.response()?.body == "/a")
  }

  @Test func `a client that pipelines 1,000 requests and reads nothing is read no more`() {
    let client = TestClient(to: server, receiveBufferBytes: 4096)
    client.send(String(repeating: client.request("/large"), count: 1_000))
    for _ in 0..<50 { server.loop.turn() }
    let answered = application.requests.count
    #expect(answered < 500)
    let pendingBytes = application.connection?.socket.pendingBytes ?? 0
    #expect(pendingBytes < GatewayLimits().pendingBytesHigh + 20_000)
    #expect(application.connection?.http?.held.isEmpty == false)

    let whole = client.receive { application.requests.count == 1_000 && client.text(endsIn: 1_000) }
    #expect(whole && !client.hasEnded)
    let numbers = String(decoding: client.received, as: UTF8.self)
      .split(separator: "\r\n\r\n").dropFirst().map { $0.prefix { $0.isNumber } }
    #expect(numbers == (1...1_000).map { "\($0)"[...] })
  }

  @Test func `a node that stops listening closes behind its next answer`() {
    let client = TestClient(to: server)
    client.get("/a")
    #expect(client.response()?.fields["connection"] == nil)
    server.worker.stopListening()
    client.get("/b")
    #expect(client.response()?.fields["connection"] == "close")
    #expect(client.receivesEnd())
  }
}

extension TestClient {
  /// Whether the last of so many large bodies is here to its end.
  fileprivate func text(endsIn number: Int) -> Bool {
    received.suffix(16_384).allSatisfy { $0 == UInt8(ascii: "-") }
      && received.dropLast(16_384).suffix(8).elementsEqual("\r\n\r\n\(number)".utf8)
  }
}
