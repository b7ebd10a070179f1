import ChatCore
import Testing
import WebSocket

@testable import Gateway

/// Clients that come back, and messages that they would miss.
@Suite final class STOMPResumeTests {
  private let node: ChatNode
  private let server: TestServer
  private let bob: TestClient

  init() throws {
    var limits = HubLimits()
    limits.resumePageMax = 1
    limits.resumedMessagesMax = 4
    node = try ChatNode(limits: limits)
    server = node.server
    bob = TestClient.joined("bob", to: server)
  }

  /// Stores messages to alice, by their numbers.
  private func write(_ numbers: ClosedRange<Int>) {
    for number in numbers {
      bob.send(
        frame(
          .text,
          #"{"type":"send","cid":"c\#(number)","to":"@alice","body":{"text":"\#(number)"}}"#))
      #expect(bob.nextEvent("ack")?["seq"] as? Int == number)
    }
  }

  private func connected() -> TestClient {
    let alice = TestClient(to: server)
    alice.open("/ws-chat?user=alice")
    alice.stomp("CONNECT\naccept-version:1.2\n\n")
    #expect(alice.nextSTOMP("CONNECTED") != nil)
    return alice
  }

  /// A subscription that asks for a receipt of its name.
  private func subscription(_ id: String, holding sequence: Int) -> String {
    "SUBSCRIBE\nid:\(id)\ndestination:/user/queue/messages\nreceipt:\(id)\n"
      + "resume:{\"bob\"\\c\(sequence)}\n\n"
  }

  /// The next message, as the subscription and the text.
  private func next(_ client: TestClient) -> String? {
    guard let message = client.nextSTOMP("MESSAGE") else { return nil }
    return "\(message.headers["subscription"] ?? "-") \(message.json["content"] ?? "-")"
  }

  @Test func `what comes before SUBSCRIBE is not sent, unless it is resumed`() {
    write(1...5)
    let live = TestClient.stomp("alice", to: server)
    #expect(live.framesNow().isEmpty)
    let alice = connected()
    alice.stomp(subscription("m", holding: 2))
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "m")
    for number in 3...5 { #expect(next(alice) == "m \(number)") }
    write(6...6)
    #expect(alice.nextSTOMP("MESSAGE")?.json["seq"] as? Int == 6)
    #expect(live.nextSTOMP("MESSAGE")?.json["seq"] as? Int == 6)
  }

  @Test func `of two subscriptions that resume at once neither misses a message`() {
    write(1...5)
    let alice = connected()
    alice.send(
      frame(
        .text,
        subscription("one", holding: 1) + "\0" + subscription("two", holding: 3) + "\0"
          + "BEGIN\ntransaction:t\nreceipt:begun\n\n\0"))
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "begun")
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "one")
    for number in 2...5 { #expect(next(alice) == "one \(number)") }
    #expect(alice.nextSTOMP("RECEIPT")?.headers["receipt-id"] == "two")
    for number in 4...5 {
      #expect(next(alice) == "one \(number)")
      #expect(next(alice) == "two \(number)")
    }
    write(6...6)
    #expect(next(alice) == "one 6")
    #expect(next(alice) == "two 6")
  }

  @Test func `a subscription goes on while another begins to resume`() {
    let alice = TestClient.stomp("alice", to: server)
    write(1...3)
    alice.stomp(subscription("two", holding: 1))
    for number in 1...3 { #expect(next(alice) == "m \(number)") }
    #expect(alice.nextSTOMP("RECEIPT") != nil)
    for number in 2...3 {
      #expect(next(alice) == "m \(number)")
      #expect(next(alice) == "two \(number)")
    }
  }

  @Test func `a gap is told where errors are listened for`() {
    write(1...9)
    let alice = connected()
    alice.stomp("SUBSCRIBE\nid:e\ndestination:/user/queue/errors\n\n")
    alice.stomp(subscription("m", holding: 1))
    #expect(alice.nextSTOMP("RECEIPT") != nil)
    for number in 2...5 { #expect(next(alice) == "m \(number)") }
    let gap = alice.nextSTOMP("MESSAGE")
    #expect(gap?.headers["subscription"] == "e")
    #expect(gap?.json["code"] as? String == "gap")
    #expect(gap?.json["after"] as? Int == 5)
    #expect(gap?.json["before"] as? Int == 10)
    write(10...10)
    #expect(next(alice) == "m 10")
  }

  @Test func `a client that no gap is told to has to come back for what is missing`() {
    write(1...9)
    let alice = connected()
    alice.stomp(subscription("m", holding: 1))
    #expect(alice.nextSTOMP("RECEIPT") != nil)
    for number in 2...5 { #expect(next(alice) == "m \(number)") }
    #expect(alice.nextSTOMP("ERROR")?.body.contains("left out") == true)
    #expect(alice.nextFrame()?.hasPrefix("close 4102") == true)
    let again = connected()
    again.stomp(subscription("m", holding: 5))
    #expect(again.nextSTOMP("RECEIPT") != nil)
    for number in 6...9 { #expect(next(again) == "m \(number)") }
    write(10...10)
    #expect(next(again) == "m 10")
  }

  @Test func `what was removed is nothing to come back for`() {
    write(1...9)
    node.removeAll()
    let alice = connected()
    alice.stomp(subscription("m", holding: 1))
    #expect(alice.nextSTOMP("RECEIPT") != nil)
    write(10...10)
    #expect(next(alice) == "m 10")
  }

  @Test(arguments: ["[]", "{\"bob\"\\c-1}", "{"])
  func `what is no list of numbers ends the session`(resume: String) {
    let alice = connected()
    alice.stomp(
      "SUBSCRIBE\nid:m\ndestination:/user/queue/messages\nreceipt:r\nresume:\(resume)\n\n")
    #expect(alice.nextSTOMP("ERROR")?.headers["receipt-id"] == "r")
    #expect(alice.nextFrame()?.hasPrefix("close 1002") == true)
  }

  /// More than chat.v1 takes is refused, and not cut; up to that all of it is read.
  @Test(arguments: [4_096, 4_097]) func `a list is as long as that of a hello`(count: Int) {
    write(1...2)
    let alice = connected()
    let others = (2...count).map { "\"u\($0)\"\\c1" }.joined(separator: ",")
    alice.stomp(
      "SUBSCRIBE\nid:m\ndestination:/user/queue/messages\nreceipt:r\n"
        + "resume:{\(others),\"bob\"\\c1}\n\n")
    guard count == 4_096 else {
      let error = alice.nextSTOMP("ERROR")
      #expect(error?.headers["receipt-id"] == "r")
      #expect(error?.body == "resume has more than 4096 entries")
      return
    }
    #expect(alice.nextSTOMP("RECEIPT") != nil)
    #expect(next(alice) == "m 2")
  }
}
