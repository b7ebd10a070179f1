import ChatProtocol
import Testing

@Suite struct MessageContentTests {
  @Test(
    arguments: [nil, "1", #""r-\n1""#, String(repeating: "9", count: RequestID.bytesMax)],
    [0, 1, 2, 15, 16, Command.Send.bodyBytesMax])
  func `gives its parts back, at every bound`(_ id: String?, bodyBytes: Int) {
    let body = (0..<bodyBytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for clientIDBytes in 1...Command.Send.clientIDBytesMax {
      let clientID =
        String(repeating: "é", count: clientIDBytes / 2) + (clientIDBytes % 2 == 1 ? "c" : "")
      let content = MessageContent(
        requestID: id.map { RequestID(json: $0) }, clientID: clientID, body: body)
      #expect(content.requestID?.json == id)
      #expect(content.clientID == clientID)
      #expect(content.body == body)
      #expect(content.bodyCount == bodyBytes)
      #expect(content.withClientID { Array($0) } == Array(clientID.utf8))
      #expect(content.withBody { Array($0) } == body)
      #expect(content.withRequestID { Array($0) } == Array((id ?? "").utf8))
    }
  }

  @Test func `is the same by whichever request it came`() {
    let first = MessageContent(requestID: RequestID(json: "1"), clientID: "c", body: [1, 2])
    let again = MessageContent(requestID: RequestID(json: "22"), clientID: "c", body: [1, 2])
    #expect(first == again)
    #expect(first.hashValue == again.hashValue)
    #expect(first != MessageContent(clientID: "c", body: [1, 3]))
    #expect(first != MessageContent(clientID: "d", body: [1, 2]))
    // The same bytes, split elsewhere.
    #expect(
      MessageContent(clientID: "ab", body: Array("c".utf8))
        != MessageContent(clientID: "a", body: Array("bc".utf8)))
  }

  @Test func `a send differs by its request`() {
    let to = Address("@bob")!
    func send(_ id: String?) -> Command.Send {
      Command.Send(
        id: id.map { RequestID(json: $0) }, clientID: "c", to: to, body: [], reference: nil)
    }
    #expect(send("1") == send("1"))
    #expect(send("1") != send("2"))
    #expect(send("1") != send(nil))
  }
}
