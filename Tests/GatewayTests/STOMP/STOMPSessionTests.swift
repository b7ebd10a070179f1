import Reactor
import Testing
import WebSocket

@testable import Gateway

/// What one STOMP client is told.
@Suite final class STOMPSessionTests {
  private let node: ChatNode
  private let server: TestServer

  init() throws {
    node = try ChatNode()
    server = node.server
  }

  private func client(_ target: String = "/ws-chat", _ fields: [String] = []) -> TestClient {
    let client = TestClient(to: server)
    #expect(client.open(target, fields)?.status == 101)
    return client
  }

  static let offers: [(offered: String, chosen: String?)] = [
    ("v10.stomp, v11.stomp, v12.stomp", "v12.stomp"), ("v10.stomp,v11.stomp", "v11.stomp"),
    ("v10.stomp", "v10.stomp"), ("chat.v1", nil), ("v13.stomp, v12.stomp", "v12.stomp"),
  ]

  @Test(arguments: offers) func `the newest subprotocol of both is chosen`(
    offered: String, chosen: String?
  ) {
    let client = TestClient(to: server)
    let answer = client.open("/ws-chat", ["Sec-WebSocket-Protocol: \(offered)"])
    #expect(answer?.status == 101)
    #expect(answer?.fields["sec-websocket-protocol"] == chosen)
  }

  // MARK: Who one is

  static let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.eA"

  static let introductions: [(target: String, headers: String)] = [
    ("/ws-chat?user=alice", ""), ("/ws-chat?user=%40alice", ""), ("/ws-chat", "login:alice\n"),
    ("/ws-chat?token=alice", ""), ("/ws-chat?token=\(jwt)", ""),
    ("/ws-chat", "Authorization:Bearer alice\n"), ("/ws-chat", "Authorization:bearer \(jwt)\n"),
    ("/ws-chat", "Authorization: \(jwt)\n"), ("/ws-chat?user=bob", "login:alice\n"),
    ("/ws-chat?token=bob", "Authorization:Bearer alice\n"),
    ("/ws-chat?token=alice", "login:guest\npasscode:guest\n"),
    ("/ws-chat?token=alice&user=bob", ""), ("/ws-chat?token=&user=alice", ""),
    ("/ws-chat?user=alice", "login:\n"), ("/ws-chat?token=alice", "Authorization:\n"),
    ("/ws-chat?user=alice", "Authorization:Bearer\n"),
    ("/ws-chat", "Authorization:Bearer \nlogin:alice\n"),
  ]

  @Test(arguments: introductions) func `one says who one is in the ways of Spring`(
    target: String, headers: String
  ) {
    let client = client(target)
    client.stomp("CONNECT\naccept-version:1.1,1.2\n\(headers)\n")
    let connected = client.nextSTOMP("CONNECTED")
    #expect(connected?.headers["user-name"] == "alice")
    #expect(connected?.headers["version"] == "1.2")
    #expect(connected?.headers["heart-beat"] == "10000,10000")
    #expect(connected?.headers["session"]?.isEmpty == false)
  }

  @Test func `a SockJS session belongs to whom STOMP takes for its user`() {
    func post(_ target: String) -> TestResponse? {
      let client = TestClient(to: server)
      client.get(target, method: "POST", ["Content-Length: 0", "Connection: close"])
      return client.chunkedResponse()
    }
    #expect(post("/ws-chat/000/abc/xhr?token=alice&user=bob")?.body == "o\n")
    #expect(post("/ws-chat/000/abc/xhr_send?user=bob")?.status == 404)
    // It is there, and wants a payload.
    #expect(post("/ws-chat/000/abc/xhr_send?token=alice")?.status == 500)
    #expect(post("/sockjs/000/abc/xhr?token=alice&user=bob")?.body == "o\n")
    #expect(post("/sockjs/000/abc/xhr_send?token=alice")?.status == 404)
    #expect(post("/sockjs/000/abc/xhr_send?user=bob")?.status == 500)
  }

  @Test(arguments: ["", "login:\n", "login:Alice B\n", "Authorization:Bearer a.b.c!\n"])
  func `who does not is refused`(headers: String) {
    let client = client()
    client.stomp("CONNECT\naccept-version:1.2\n\(headers)\n")
    #expect(client.nextSTOMP("ERROR")?.headers["message"]?.contains("who you are") == true)
    #expect(client.nextFrame()?.hasPrefix("close 4001") == true)
  }

  @Test func `a device that connects again takes over`() {
    let first = client()
    first.stomp("CONNECT\naccept-version:1.2\nlogin:alice\ndevice:phone\n\n")
    #expect(first.nextSTOMP("CONNECTED") != nil)
    let second = client()
    second.stomp("CONNECT\naccept-version:1.2\nlogin:alice\ndevice:phone\n\n")
    #expect(second.nextSTOMP("CONNECTED") != nil)
    #expect(first.nextSTOMP("ERROR") != nil)
    #expect(first.nextFrame()?.hasPrefix("close 4004") == true)
  }

  @Test func `who does not connect in time is closed`() {
    let client = client()
    server.pass(.seconds(6))
    #expect(client.nextSTOMP("ERROR") != nil)
    #expect(client.nextFrame()?.hasPrefix("close 4008") == true)
  }

  // MARK: Refusals

  @Test(arguments: ["nonsense", "SEND\ndestination:/app/chat.send\n\n{}", "CONNECT\nx\n\n"])
  func `what is wrong before CONNECT ends the session`(text: String) {
    let client = client()
    client.stomp(text + "\n\n")
    #expect(client.nextSTOMP("ERROR") != nil)
    #expect(client.nextFrame()?.hasPrefix("close 1002") == true)
  }

  @Test func `a frame that breaks the protocol ends the session`() {
    let alice = TestClient.stomp("alice", to: server)
    alice.stomp("SUBSCRIBE\nid:m\ndestination:/user/queue/messages\nreceipt:r\n\n")
    let error = alice.nextSTOMP("ERROR")
    #expect(error?.headers["receipt-id"] == "r")
    #expect(error?.body == "a subscription with this id exists")
    #expect(alice.nextFrame()?.hasPrefix("close 1002") == true)
    alice.say("too late", to: "bob")
    #expect(alice.framesNow().isEmpty)
  }

  static let refused: [(frame: String, code: String)] = [
    ("SEND\ndestination:/app/chat.send\n\n{\"receiver\":\"bob\"}", "bad_request"),
    ("SEND\ndestination:/app/chat.send\n\n{", "bad_request"),
    ("SEND\ndestination:/app/chat.send\n\n", "bad_request"),
    (
      "SEND\ndestination:/app/chat.send\n\n{\"roomId\":\"general\",\"content\":\"hi\"}", "not_found"
    ),
    ("SEND\ndestination:/app/chat.typing\n\n{}", "bad_request"),
    ("SEND\ndestination:/app/chat.read\n\n{\"receiver\":\"bob\"}", "bad_request"),
    ("SEND\ndestination:/app/chat.read\n\n{\"receiver\":\"bob\",\"seq\":1}", "not_found"),
    ("SEND\ndestination:/topic/all\n\nhi", "bad_request"),
    ("SUBSCRIBE\nid:r\ndestination:/topic/all\n\n", "not_found"),
    ("SUBSCRIBE\nid:r\ndestination:/topic/room.\n\n", "not_found"),
  ]

  @Test(arguments: refused) func `what the chat refuses is told where errors are listened for`(
    frame: String, code: String
  ) {
    let alice = TestClient.stomp("alice", to: server)
    alice.stomp(frame)
    let error = alice.nextSTOMP("MESSAGE")
    #expect(error?.headers["destination"] == "/user/queue/errors")
    #expect(error?.headers["subscription"] == "e")
    #expect(error?.json["code"] as? String == code)
    #expect(error?.json["errorCode"] as? String == code)
    #expect((error?.json["message"] as? String)?.isEmpty == false)
    alice.say("still here", to: "bob")
    #expect(alice.nextSTOMP("MESSAGE")?.json["content"] as? String == "still here")
  }

  @Test func `a refusal names the receipt that was asked for`() {
    let alice = TestClient.stomp("alice", to: server)
    alice.say("hi", to: "NOBODY", "receipt:r\n")
    #expect(alice.nextSTOMP("MESSAGE")?.headers["receipt-id"] == "r")
  }

  @Test func `where errors are not listened for, a receipt that cannot be given is an ERROR`() {
    let alice = TestClient.stomp("alice", to: server)
    alice.stomp("UNSUBSCRIBE\nid:e\n\n")
    alice.say("hi", to: "NOBODY")
    alice.say("hi", to: "bob")
    #expect(alice.nextSTOMP("MESSAGE")?.json["content"] as? String == "hi")
    alice.say("hi", to: "NOBODY", "receipt:r\n")
    #expect(alice.nextSTOMP("ERROR")?.headers["receipt-id"] == "r")
    #expect(alice.nextFrame()?.hasPrefix("close 4000") == true)
  }

  @Test func `a client that sends no JSON again and again is closed`() {
    let alice = TestClient.stomp("alice", to: server)
    for _ in 1...10 { alice.stomp("SEND\ndestination:/app/chat.send\n\n{") }
    for _ in 1...10 { #expect(alice.nextSTOMP("MESSAGE") != nil) }
    #expect(alice.nextSTOMP("ERROR") != nil)
    #expect(alice.nextFrame()?.hasPrefix("close 4000") == true)
  }

  @Test func `a node that drains says ERROR and closes`() {
    let alice = TestClient.stomp("alice", to: server)
    server.worker.stopListening()
    node.mailbox?.post(.drain(over: .zero))
    #expect(alice.nextSTOMP("ERROR") != nil)
    #expect(alice.nextFrame()?.hasPrefix("close 4200") == true)
  }

  // MARK: Frames and messages

  @Test func `a frame may come in parts, and several in one message, text or binary`() {
    let alice = TestClient.stomp("alice", to: server)
    let text = Array(
      "SEND\ndestination:/app/chat.send\n\n{\"receiver\":\"bob\",\"content\":\"hi\"}\0\n".utf8)
    for part in text + text { alice.send(frame(.text, [part])) }
    alice.send(frame(.binary, text + text))
    for number in 1...4 {
      #expect(alice.nextSTOMP("MESSAGE")?.json["seq"] as? Int == number)
    }
  }

  @Test func `a frame that is not finished in time ends the session`() {
    let alice = TestClient.stomp("alice", to: server)
    alice.send(frame(.text, "SEND\n"))
    server.pass(.seconds(29))
    #expect(alice.framesNow().allSatisfy { $0.hasPrefix("ping") })
    server.pass(.seconds(2))
    #expect(alice.nextSTOMP("ERROR")?.body == "frame not finished in time")
    #expect(alice.nextFrame()?.hasPrefix("close 1008") == true)
  }

  @Test func `frames that follow one another have 30 s each`() {
    let alice = TestClient.stomp("alice", to: server)
    alice.send(frame(.text, "BEGIN\n"))
    for number in 0..<4 {
      server.pass(.seconds(20))
      alice.send(frame(.text, "transaction:\(number)\n\n\0BEGIN\n"))
    }
    #expect(alice.framesNow().allSatisfy { $0.hasPrefix("ping") })
    server.pass(.seconds(31))
    #expect(alice.framesNow().contains { $0.contains("frame not finished in time") })
  }

  @Test func `messages without an ACK are bounded`() {
    let alice = TestClient.stomp("alice", to: server)
    alice.stomp("SUBSCRIBE\nid:a\ndestination:/user/queue/errors\nack:client\n\n")
    alice.stomp("UNSUBSCRIBE\nid:e\n\n")
    for _ in 0..<1_024 {
      alice.stomp("SUBSCRIBE\nid:x\ndestination:/topic/x\n\n")
      #expect(alice.nextSTOMP("MESSAGE")?.headers["ack"] != nil)
    }
    alice.stomp("SUBSCRIBE\nid:x\ndestination:/topic/x\n\n")
    #expect(alice.nextSTOMP("ERROR")?.body == "too many messages without an ACK")
    #expect(alice.nextFrame()?.hasPrefix("close 4102") == true)
  }

  // MARK: Heart-beats

  private func beating(_ heartBeat: String) -> TestClient {
    let client = client("/ws-chat?user=alice")
    client.stomp("CONNECT\naccept-version:1.2\nheart-beat:\(heartBeat)\n\n")
    #expect(client.nextSTOMP("CONNECTED") != nil)
    return client
  }

  @Test func `heart-beats come when nothing else does`() {
    let alice = beating("0,10000")
    server.pass(.seconds(7))
    #expect(alice.framesNow().isEmpty)
    server.pass(.seconds(1))
    #expect(alice.framesNow() == ["text \n"])
    server.pass(.seconds(8))
    #expect(alice.framesNow() == ["text \n"])
  }

  @Test func `none come where none were asked for`() {
    let alice = beating("0,0")
    server.pass(.seconds(20))
    #expect(alice.framesNow().isEmpty)
  }

  @Test func `a client that promised to beat and is silent is closed`() {
    let alice = beating("10000,0")
    for _ in 0..<3 {
      server.pass(.seconds(20))
      // A browser answers pings for a page whose timers it holds back.
      alice.send(frame(.pong, ""))
    }
    #expect(alice.framesNow().allSatisfy { $0.hasPrefix("ping") })
    server.pass(.seconds(11))
    let frames = alice.framesNow()
    #expect(frames.contains { $0.hasPrefix("text ERROR") && $0.contains("no heart-beat in time") })
    #expect(frames.last?.hasPrefix("close 4202") == true)
  }
}
