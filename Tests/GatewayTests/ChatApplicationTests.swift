import ChatCore
import ChatProtocol
import HTTP1
import Reactor
import Testing
import WebSocket

@testable import Gateway

@Suite final class ChatApplicationTests {
  private let node: ChatNode
  private let server: TestServer

  init() throws {
    node = try ChatNode()
    server = node.server
  }

  private func join(_ user: String) -> TestClient {
    let client = TestClient(to: server)
    #expect(client.open("/ws?user=\(user)")?.status == 101)
    #expect(client.nextEvent("ready")?["user"] as? String == "@\(user)")
    return client
  }

  private func sending(_ clientID: String, to user: String) -> [UInt8] {
    frame(
      .text,
      #"{"type":"send","id":1,"cid":"\#(clientID)","to":"@\#(user)","body":{"text":"hi"}}"#)
  }

  @Test func `two users chat`() {
    let alice = join("alice")
    let bob = join("bob")
    for (number, (from, to, name)) in [(alice, bob, "bob"), (bob, alice, "alice")].enumerated() {
      from.send(sending("c\(number)", to: name))
      #expect(from.nextEvent("ack")?["seq"] as? Int == number + 1)
      let message = to.nextEvent("msg")
      #expect(message?["seq"] as? Int == number + 1)
      #expect((message?["body"] as? [String: String])?["text"] == "hi")
    }
  }

  @Test func `who was away finds the message when back`() {
    let alice = join("alice")
    alice.send(sending("c", to: "bob"))
    #expect(alice.nextEvent("ack") != nil)
    let bob = TestClient(to: server)
    bob.open()
    bob.send(frame(.text, #"{"type":"hello","id":1,"user":"bob","resume":{"@alice":0}}"#))
    #expect(bob.nextEvent("ready") != nil)
    #expect(bob.nextEvent("msg")?["from"] as? String == "@alice")
  }

  @Test func `a frame that is no command is refused and the connection stays`() {
    let alice = join("alice")
    alice.send(frame(.text, "{") + frame(.text, #"{"type":"ping","id":2}"#))
    #expect(alice.nextEvent("error")?["code"] as? String == "bad_request")
    #expect(alice.nextEvent("pong") != nil)
  }

  @Test func `a binary message closes with 1003`() {
    let alice = join("alice")
    alice.send(frame(.binary, "{}"))
    #expect(alice.nextFrame() == "close 1003 chat.v1 is text")
  }

  @Test func `a user who leaves is no session any more`() {
    let alice = join("alice")
    let application = server.worker.application as? ChatApplication
    #expect(application?.counters.sessions == 1)
    alice.send(closeFrame(1000))
    #expect(alice.nextFrame() == "close 1000 ")
    #expect(application?.counters.sessions == 0)
  }

  @Test func `a node that drains tells its users and closes them`() {
    let alice = join("alice")
    server.worker.stopListening()
    node.mailbox?.post(.drain(over: .zero))
    #expect(alice.nextEvent("reconnect") != nil)
    #expect(alice.nextFrame()?.hasPrefix("close 4200") == true)
  }

  @Test func `health and readiness are answered, and nothing else`() {
    let client = TestClient(to: server)
    client.get("/healthz")
    #expect(client.response()?.status == 200)
    client.get("/readyz")
    #expect(client.response()?.status == 200)
    node.isReady.withLock { $0 = false }
    client.get("/readyz")
    #expect(client.response()?.status == 503)
    client.get("/%2e%2e/etc/passwd")
    #expect(client.response()?.status == 404)
    client.get("/ws", method: "POST", TestClient.handshakeFields)
    let refused = client.response()
    #expect(refused?.status == 405)
    #expect(refused?.fields["allow"] == "GET, HEAD")
  }
}
