import HTTP1
import Testing
import WebSocket

@testable import Gateway

@Suite struct UpgradeTests {
  private let application = RecordingApplication()
  private let server: TestServer

  init() throws {
    let application = application
    server = try TestServer(origins: .only([Origin("https://chat.example")!])) { _ in application }
  }

  @Test func `an upgrade is answered with 101 and the subprotocol`() {
    let client = TestClient(to: server)
    let response = client.open(
      "/ws", ["Sec-WebSocket-Protocol: other, chat.v1", "Origin: https://chat.example"])
    #expect(response?.status == 101)
    #expect(response?.fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    #expect(response?.fields["sec-websocket-protocol"] == "chat.v1")
    #expect(application.events == ["opened"])
    #expect(server.worker.counters.webSockets == 1)
  }

  @Test func `frames right behind the handshake, and it behind a request, are all taken`() {
    let client = TestClient(to: server)
    client.send(
      Array((client.request("/a") + client.request("/ws", TestClient.handshakeFields)).utf8)
        + frame(.text, "one") + frame(.text, "two").prefix(4))
    #expect(client.response()?.body == "/a")
    #expect(client.response()?.status == 101)
    #expect(client.nextFrame() == "text one")
    client.send(Array(frame(.text, "two").dropFirst(4)))
    #expect(client.nextFrame() == "text two")
  }

  @Test func `a handshake and frames that waited behind a slow answer are taken`() {
    let client = TestClient(to: server)
    client.get("/later")
    server.settle()
    application.onMessage = { _, _ in }
    client.send(Array(client.request("/ws", TestClient.handshakeFields).utf8))
    client.send(frame(.text, "one"))
    server.settle()
    application.connection?.respond(.text(.ok, "now"))
    #expect(client.response()?.body == "now")
    #expect(client.response()?.status == 101)
    client.send(frame(.text, "two"))
    server.settle()
    #expect(application.events == ["opened", "text one", "text two"])
  }

  private static let fields = TestClient.handshakeFields

  @Test(arguments: [
    ("GET", fields.map { $0.replacing("Version: 13", with: "Version: 12") }, 426),
    ("GET", fields.filter { !$0.contains("Key") }, 400),
    ("GET", fields.filter { !$0.contains("Upgrade: ") }, 400),
    ("GET", fields + ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], 400),
    ("GET", fields + ["Origin: null"], 403),
    ("GET", fields + ["Origin: https://chat.example.evil.example"], 403),
    ("POST", fields, 405),
  ])
  func `an upgrade that is not in order is refused, and the connection can be used`(
    method: String, fields: [String], status: Int
  ) {
    let client = TestClient(to: server)
    client.get("/ws", method: method, fields)
    let response = client.response()
    #expect(response?.status == status)
    if status == 426 { #expect(response?.fields["sec-websocket-version"] == "13") }
    #expect(application.events.isEmpty)
    client.get("/a")
    #expect(client.response()?.body == "/a")
    #expect(client.open()?.status == 101)
  }
}
