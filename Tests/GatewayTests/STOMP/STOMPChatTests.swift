import ChatCore
import Testing
import WebSocket

@testable import Gateway

/// STOMP clients and clients of chat.v1 on one node.
@Suite final class STOMPChatTests {
  private let node: ChatNode
  private let server: TestServer

  init() throws {
    node = try ChatNode()
    server = node.server
  }

  @Test func `a user on STOMP and one on chat_v1 talk to each other`() {
    let alice = TestClient.stomp("alice", to: server)
    let bob = TestClient.joined("bob", to: server)
    alice.say("hi", to: "bob", "receipt:1\n")
    let message = bob.nextEvent("msg")
    #expect(message?["from"] as? String == "@alice")
    #expect((message?["body"] as? [String: String]) == ["text": "hi"])
    #expect(alice.nextSTOMP("MESSAGE")?.json["content"] as? String == "hi")
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "1")

    bob.send(
      frame(.text, #"{"type":"send","id":1,"cid":"c","to":"@alice","body":{"text":"ho \"é\""}}"#))
    #expect(bob.nextEvent("ack")?["seq"] as? Int == 2)
    let reply = alice.nextSTOMP("MESSAGE")
    #expect(reply?.headers["destination"] == "/user/queue/messages")
    #expect(reply?.headers["subscription"] == "m")
    #expect(reply?.json["content"] as? String == "ho \"é\"")
    #expect(reply?.json["sender"] as? String == "bob")
    #expect(reply?.json["receiver"] as? String == "alice")
    #expect(reply?.json["seq"] as? Int == 2)
  }

  @Test func `all devices of both users see a message once`() {
    let alice = TestClient.stomp("alice", to: server)
    let other = TestClient.stomp("alice", to: server, version: "1.1")
    let bob = TestClient.stomp("bob", to: server, version: "1.0")
    alice.say("hi", to: "bob")
    let ids = [alice, other, bob].map { $0.nextSTOMP("MESSAGE")?.json["id"] as? String }
    #expect(ids == ["alice:bob:1", "alice:bob:1", "alice:bob:1"])
    for client in [alice, other, bob] { #expect(client.framesNow().isEmpty) }
  }

  @Test func `a message sent again with its id is one message`() {
    let alice = TestClient.stomp("alice", to: server)
    let bob = TestClient.joined("bob", to: server)
    for receipt in 1...2 {
      alice.say("hi", to: "bob", "messageId:once\nreceipt:\(receipt)\n")
      if receipt == 1 { #expect(alice.nextSTOMP("MESSAGE")?.json["seq"] as? Int == 1) }
      #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "\(receipt)")
    }
    #expect(bob.nextEvent("msg")?["cid"] as? String == "once")
    alice.say("something else", to: "bob", "messageId:once\n")
    #expect(alice.nextSTOMP("MESSAGE")?.json["code"] as? String == "conflict")
    #expect(bob.framesNow().isEmpty)
  }

  @Test func `without ids all are messages of their own`() {
    let alice = TestClient.stomp("alice", to: server)
    for number in 1...3 {
      alice.say("hi", to: "bob")
      #expect(alice.nextSTOMP("MESSAGE")?.json["seq"] as? Int == number)
    }
  }

  @Test func `a transaction is sent at COMMIT, whose receipt says that all of it is stored`() {
    let alice = TestClient.stomp("alice", to: server)
    alice.stomp("BEGIN\ntransaction:t\n\n")
    alice.say("one", to: "bob", "transaction:t\nreceipt:held\n")
    alice.say("two", to: "bob", "transaction:t\n")
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "held")
    #expect(alice.framesNow().isEmpty)
    alice.stomp("COMMIT\ntransaction:t\nreceipt:stored\n\n")
    #expect(alice.nextSTOMP("MESSAGE")?.json["content"] as? String == "one")
    #expect(alice.nextSTOMP("MESSAGE")?.json["content"] as? String == "two")
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "stored")
  }

  @Test func `a transaction with a message that is refused gets no receipt`() {
    let alice = TestClient.stomp("alice", to: server)
    alice.stomp("BEGIN\ntransaction:t\n\n")
    alice.say("one", to: "bob", "transaction:t\n")
    alice.say("two", to: "NOBODY", "transaction:t\n")
    alice.stomp("COMMIT\ntransaction:t\nreceipt:stored\n\n")
    let refusal = alice.nextSTOMP("MESSAGE")
    #expect(refusal?.json["errorCode"] as? String == "bad_request")
    #expect(refusal?.headers["receipt-id"] == "stored")
    #expect(alice.nextSTOMP("MESSAGE")?.json["content"] as? String == "one")
    alice.stomp("BEGIN\ntransaction:u\nreceipt:next\n\n")
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "next")
  }

  @Test func `a user who leaves is no session any more`() {
    let alice = TestClient.stomp("alice", to: server)
    let application = server.worker.application as? ChatApplication
    #expect(application?.counters.sessions == 1)
    alice.send(closeFrame(1000))
    #expect(alice.nextFrame() == "close 1000 ")
    #expect(application?.counters.sessions == 0)
    #expect(application?.counters.users == 0)
  }
}
