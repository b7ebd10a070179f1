import Testing

@testable import STOMP

@Suite struct FrameEncodingTests {
  @Test func `CONNECTED tells the version, the beats and who one is`() {
    let connected = Connected(
      version: .v11, heartBeat: HeartBeat(sendsEvery: 10_000, wantsEvery: 0), session: "s0-1",
      user: "alice")
    #expect(
      written { $0.append(connected) }
        == "CONNECTED\nversion:1.1\nheart-beat:10000,0\nsession:s0-1\nuser-name:alice\n\n\0")
  }

  @Test func `a receipt is escaped as its version does`() {
    let receipt = "a:b\\\r\n"
    #expect(
      written { $0.appendReceipt(receipt, .v12) } == "RECEIPT\nreceipt-id:a\\cb\\\\\\r\\n\n\n\0")
    #expect(
      written { $0.appendReceipt(receipt, .v11) } == "RECEIPT\nreceipt-id:a\\cb\\\\\r\\n\n\n\0")
    #expect(written { $0.appendReceipt(receipt, .v10) } == "RECEIPT\nreceipt-id:a:b\\\r \n\n\0")
  }

  @Test func `ERROR says what was wrong with which frame`() {
    #expect(
      written { $0.appendError("no", receipt: "r", .v12) }
        == "ERROR\nmessage:no\nreceipt-id:r\nversion:1.0,1.1,1.2\ncontent-type:text/plain\n"
        + "content-length:2\n\nno\0")
  }

  @Test func `a message names its subscription, itself, and how to acknowledge it`() {
    let body = Array("{}".utf8)
    func message(_ version: Version, _ subscription: String?, _ isToBeAcknowledged: Bool) -> String
    {
      let delivery = Delivery(
        number: 7, subscription: subscription, destination: "/x",
        isToBeAcknowledged: isToBeAcknowledged)
      return body.withUnsafeBytes { body in
        written { $0.appendMessage(delivery, json: body, version) }
      }
    }
    let start = "MESSAGE\ndestination:/x\ncontent-type:application/json\n"
    let end = "content-length:2\n\n{}\0"
    #expect(message(.v12, "a", true) == start + "subscription:a\nmessage-id:7\nack:7\n" + end)
    #expect(message(.v12, "a", false) == start + "subscription:a\nmessage-id:7\n" + end)
    #expect(message(.v11, "a", true) == start + "subscription:a\nmessage-id:7\n" + end)
    #expect(message(.v10, nil, true) == start + "message-id:7\n" + end)
  }
}
