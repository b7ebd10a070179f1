import ChatProtocol
import Testing

/// Decodes text as a frame.
func decode(_ text: String) throws(CommandError) -> Command {
  try decode(Array(text.utf8))
}

func decode(_ bytes: [UInt8]) throws(CommandError) -> Command {
  var names = NameCache()
  return try bytes.span.bytes.withUnsafeBytes { (bytes) throws(CommandError) in
    try Command.decode(bytes, names: &names)
  }
}

/// The error of a frame that must not decode.
func refusal(of text: String) -> CommandError? {
  do {
    _ = try decode(text)
    return nil
  } catch {
    return error
  }
}

private let alice = Address("@alice")!
private let general = Address("#general")!

@Suite struct CommandDecodingTests {
  @Test func `reads a send and keeps its body as written`() throws {
    let command = try decode(
      #"{"type":"send","id":2,"cid":"c-1","to":"@alice","body":{"text" : "h\u00e9"},"reply_to":17}"#
    )
    let body = Array(#"{"text" : "h\u00e9"}"#.utf8)
    #expect(
      command
        == .send(
          Command.Send(
            id: RequestID(json: "2"), clientID: "c-1", to: alice, body: body, reference: 17)))
  }

  @Test func `reads a hello with everything in it`() throws {
    let command = try decode(
      #"""
      {"type":"hello","id":"h\n1","user":"@bob","token":"t\/","device":"web-7f3a",
       "resume":{"@alice":17,"#general":0}}
      """#)
    #expect(
      command
        == .hello(
          Command.Hello(
            id: RequestID(json: #""h\n1""#), user: UserID("bob"), token: "t/", device: "web-7f3a",
            resume: [alice: 17, general: 0])))
  }

  @Test(arguments: ["alice", "@alice"])
  func `takes a user with and without the sigil`(name: String) throws {
    guard case .hello(let hello) = try decode(#"{"type":"hello","user":"\#(name)"}"#) else {
      Issue.record("no hello")
      return
    }
    #expect(hello.user == UserID("alice"))
    #expect(hello.device == nil)
    #expect(hello.resume.isEmpty)
  }

  @Test(arguments: [
    (#"{"type":"history","to":"@alice"}"#, Command.History.Span.latest, 100),
    (#"{"type":"history","to":"@alice","before":120,"limit":5}"#, .before(120), 5),
    (#"{"type":"history","to":"@alice","after":0,"limit":1000000}"#, .after(0), 100),
    (#"{"type":"history","to":"@alice","after":3.0,"before":9,"limit":5}"#, .between(3, 9), 5),
  ])
  func `reads a history request`(text: String, span: Command.History.Span, limit: Int) throws {
    let expected = Command.History(id: nil, to: alice, span: span, limit: limit)
    #expect(try decode(text) == .history(expected))
  }

  @Test(arguments: [
    (#"{"type":"ping"}"#, Command.ping(nil)),
    (#" { "type" : "ping" , "id" : -1.5e3 } "#, .ping(RequestID(json: "-1.5e3"))),
    (#"{"id":"x","type":"conversations"}"#, .conversations(RequestID(json: #""x""#))),
    (#"{"type":"teleport","id":7}"#, .unknown(RequestID(json: "7"), type: "teleport")),
    (#"{"type":"p\u0069ng"}"#, .ping(nil)),
    (#"{"t\u0079pe":"ping"}"#, .ping(nil)),
    (#"{"type":"ping","id":null,"limit":"any","x":[{"a":[]},1,"",true,false,null]}"#, .ping(nil)),
  ])
  func `reads the short requests`(text: String, command: Command) throws {
    #expect(try decode(text) == command)
  }

  @Test func `ignores fields that are the server's to set`() throws {
    let command = try decode(
      #"{"type":"send","cid":"c","to":"@alice","body":{},"from":"@eve","seq":9,"ts":-1}"#)
    let send = Command.Send(
      id: nil, clientID: "c", to: alice, body: Array("{}".utf8), reference: nil)
    #expect(command == .send(send))
  }

  @Test func `unescapes what it compares and stores`() throws {
    let command = try decode(
      #"{"type":"send","cid":"\ud83d\ude00\"\\","to":"@\u0061lice","body":{}}"#)
    guard case .send(let send) = command else {
      Issue.record("no send")
      return
    }
    #expect(send.content.clientID == "😀\"\\")
    #expect(send.to == alice)
  }

  @Test func `cuts an unknown type`() throws {
    let type = String(repeating: "x", count: 60_000)
    let expected = Command.unknown(nil, type: String(repeating: "x", count: 64))
    #expect(try decode(#"{"type":"\#(type)"}"#) == expected)
  }
}
