import Testing

@testable import ChatProtocol

@Suite struct SpringSendTests {
  private func decode(
    _ json: String, messageID: String? = nil
  ) throws(CommandError) -> Command.Send {
    let bytes = Array(json.utf8)
    return try bytes.withUnsafeBufferPointer { (bytes) throws(CommandError) in
      try SpringSend.decode(
        UnsafeRawBufferPointer(bytes), id: RequestID(json: "tag"), messageID: messageID
      ) { "made" }
    }
  }

  struct Written: Sendable {
    var json: String
    var to = "@bob"
    var clientID = "made"
    var body = #"{"text":"hi"}"#
  }

  static let written: [Written] = [
    Written(json: #"{"receiver":"bob","content":"hi"}"#),
    Written(json: #" {"content":"hi","receiver":"@bob"} "#),
    Written(json: #"{"receiverId":"bob","content":"hi","receiver":null,"roomId":""}"#),
    Written(json: #"{"receiverId":12,"content":"hi"}"#, to: "@12"),
    Written(json: #"{"roomId":"general","content":"hi"}"#, to: "#general"),
    Written(json: ##"{"roomId":"#general","receiver":"","content":"hi"}"##, to: "#general"),
    Written(json: #"{"receiver":"bob","content":"hi","messageId":"m"}"#, clientID: "m"),
    Written(json: #"{"receiver":"bob","content":"hi","id":"i"}"#, clientID: "i"),
    Written(
      json: #"{"receiver":"bob","content":"hi","id":1767,"messageId":null}"#, clientID: "1767"),
    Written(
      json: #"{"receiver":"bob","content":"\u00e9 \"\\\n"}"#, body: #"{"text":"\u00e9 \"\\\n"}"#),
    Written(
      json: #"{"receiver":"bob","content":"hi","attachmentUrl":"/files/1"}"#,
      body: #"{"text":"hi","attachmentUrl":"/files/1"}"#),
    Written(
      json: #"{"receiver":"bob","content":"hi","sender":"eve","timestamp":0,"type":"LEAVE","x":{}}"#
    ),
  ]

  @Test(arguments: written) func `what a page writes is a send`(written: Written) throws {
    let send = try decode(written.json)
    #expect(send.to.description == written.to)
    #expect(send.content.clientID == written.clientID)
    #expect(String(decoding: send.content.body, as: UTF8.self) == written.body)
    #expect(send.id == RequestID(json: "tag"))
  }

  @Test func `a header names the message before the JSON does`() throws {
    let send = try decode(#"{"receiver":"bob","content":"hi","id":"json"}"#, messageID: "header")
    #expect(send.content.clientID == "header")
  }

  static let refused: [(json: String, code: ErrorCode, isMalformed: Bool)] = [
    ("", .badRequest, true), ("[]", .badRequest, true), ("{\"a\":1,}", .badRequest, true),
    (#"{"a":1,"a":2}"#, .badRequest, true),
    (#"{"receiver":"bob","content":"hi"} x"#, .badRequest, true),
    ("{}", .badRequest, false), (#"{"receiver":"bob"}"#, .badRequest, false),
    (#"{"content":"hi"}"#, .badRequest, false),
    (#"{"receiver":"bob","content":5}"#, .badRequest, false),
    (#"{"receiver":["bob"],"content":"hi"}"#, .badRequest, false),
    (#"{"receiver":"Bob","content":"hi"}"#, .badRequest, false),
    (#"{"receiver":"bob","roomId":"general","content":"hi"}"#, .badRequest, false),
    (#"{"receiver":"bob","content":"hi","id":"a\nb"}"#, .badRequest, false),
    (
      #"{"receiver":"bob","content":"hi","id":"\#(String(repeating: "x", count: 65))"}"#,
      .badRequest, false
    ),
    (#"{"receiver":"bob","content":"hi","attachmentUrl":{}}"#, .badRequest, false),
    (
      #"{"receiver":"bob","content":"\#(String(repeating: "x", count: 16_384))"}"#,
      .tooLarge, false
    ),
  ]

  @Test(arguments: refused) func `what is no send is refused`(
    json: String, code: ErrorCode, isMalformed: Bool
  ) {
    let error = #expect(throws: CommandError.self) { try decode(json) }
    #expect(error?.code == code)
    #expect(error?.isMalformed == isMalformed)
    #expect(error?.id == RequestID(json: "tag"))
  }

  @Test func `the JSON must be UTF-8`() {
    let bytes = Array(#"{"receiver":"bob","content":""#.utf8) + [0xFF] + Array(#""}"#.utf8)
    bytes.withUnsafeBytes { bytes in
      _ = #expect(throws: CommandError.self) {
        try SpringSend.decode(bytes, id: RequestID(json: "tag"), messageID: nil) { "made" }
      }
    }
  }
}
