import Testing
import WebSocket

@testable import Gateway

/// Receipts, and what they come behind.
@Suite final class STOMPReceiptTests {
  private let node: ChatNode
  private let server: TestServer

  init() throws {
    node = try ChatNode()
    server = node.server
  }

  /// A client that sends frames, each with its NUL, before it knows whether it is connected.
  private func hasty(_ frames: String) -> TestClient {
    let client = TestClient(to: server)
    client.open("/ws-chat?user=alice")
    client.send(frame(.text, "CONNECT\naccept-version:1.2\n\n\0" + frames))
    return client
  }

  @Test func `DISCONNECT is confirmed when all that was sent is stored`() {
    let alice = TestClient.stomp("alice", to: server)
    let bob = TestClient.joined("bob", to: server)
    for number in 1...3 { alice.say("\(number)", to: "bob") }
    alice.stomp("DISCONNECT\nreceipt:bye\n\n")
    for _ in 1...3 { #expect(alice.nextSTOMP("MESSAGE") != nil) }
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "bye")
    #expect(alice.nextFrame() == "close 1000 ")
    for number in 1...3 { #expect(bob.nextEvent("msg")?["seq"] as? Int == number) }
  }

  @Test func `messages sent right behind CONNECT are stored, with DISCONNECT behind them`() {
    let alice = TestClient(to: server)
    alice.open("/ws-chat")
    alice.send(
      frame(
        .text,
        "CONNECT\naccept-version:1.1\nlogin:alice\n\n\0\n"
          + "SEND\ndestination:/app/chat.send\n\n{\"receiver\":\"bob\",\"content\":\"1\"}\0"
          + "DISCONNECT\nreceipt:bye\n\n\0"))
    #expect(alice.nextSTOMP("CONNECTED") != nil)
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "bye")
    let bob = TestClient(to: server)
    bob.open()
    bob.send(frame(.text, #"{"type":"hello","user":"bob","resume":{"@alice":0}}"#))
    #expect(bob.nextEvent("ready") != nil)
    #expect(bob.nextEvent("msg")?["seq"] as? Int == 1)
  }

  @Test func `nothing but ERROR comes before CONNECTED`() {
    let alice = hasty(
      "SUBSCRIBE\nid:e\ndestination:/user/queue/errors\nreceipt:1\n\n\0"
        + "SUBSCRIBE\nid:x\ndestination:/topic/x\n\n\0BEGIN\ntransaction:t\nreceipt:2\n\n\0"
        + "DISCONNECT\nreceipt:3\n\n\0")
    #expect(alice.nextSTOMP("CONNECTED") != nil)
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "1")
    #expect(alice.nextSTOMP("MESSAGE")?.json["code"] as? String == "not_found")
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "2")
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "3")
    #expect(alice.nextFrame() == "close 1000 ")
    let bob = hasty("BEGIN\ntransaction:t\nreceipt:1\n\n\0nonsense\n\n\0")
    #expect(bob.nextSTOMP("ERROR") != nil)
  }

  @Test func `what waits for CONNECTED is bounded`() {
    let frames = "BEGIN\ntransaction:t\nreceipt:1\n\n\0ABORT\ntransaction:t\nreceipt:2\n\n\0"
    let patient = hasty(String(repeating: frames, count: 128))
    #expect(patient.nextSTOMP("CONNECTED") != nil)
    let alice = hasty(String(repeating: frames, count: 129))
    #expect(alice.nextSTOMP("ERROR")?.body == "wait for CONNECTED")
    #expect(alice.nextFrame()?.hasPrefix("close 1002") == true)
  }

  @Test func `DISCONNECT is confirmed behind whatever was asked before`() {
    let alice = hasty(
      "SUBSCRIBE\nid:e\ndestination:/user/queue/errors\n\n\0"
        + "SEND\ndestination:/app/chat.typing\nreceipt:typing\n\n{}\0"
        + "SUBSCRIBE\nid:m\ndestination:/user/queue/messages\nresume:{\"bob\":1}\nreceipt:held\n\n\0"
        + "DISCONNECT\nreceipt:bye\n\n\0")
    #expect(alice.nextSTOMP("CONNECTED") != nil)
    #expect(alice.nextSTOMP("MESSAGE")?.headers["receipt-id"] == "typing")
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "held")
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "bye")
    #expect(alice.nextFrame() == "close 1000 ")
  }
}
