import ChatProtocol
import Testing

/// What hostile or broken frames get.
@Suite struct RefusalTests {
  @Test(arguments: [
    "", " ", "{", "}", "null", "17", #""ping""#, "[]", #"[{"type":"ping"}]"#,
    #"{"type":"ping"} x"#, #"{"type":"ping"}{"type":"ping"}"#, #"{"type":"ping"},"#,
    "{\"type\":\"ping\"}\0", "\u{FEFF}{\"type\":\"ping\"}",
    #"{"type":"ping",}"#, #"{,"type":"ping"}"#, #"{"type" "ping"}"#, #"{type:"ping"}"#,
    #"{'type':'ping'}"#, #"{"type":"ping","x":[1,]}"#, #"{"type":"ping","x":[,1]}"#,
    #"{"type":"ping","x":tru}"#, #"{"type":"ping","x":nul}"#, #"{"type":"ping","x":NaN}"#,
    #"{"type":"ping","x":01}"#, #"{"type":"ping","x":-}"#, #"{"type":"ping","x":1.}"#,
    #"{"type":"ping","x":.5}"#, #"{"type":"ping","x":1e}"#, #"{"type":"ping","x":+1}"#,
    #"{"type":"ping","x":1e400}"#, #"{"type":"ping","x":-1e400}"#,
    #"{"type":"ping","x":0x10}"#, #"{"type":"ping","x":"a"#, #"{"type":"ping","x":"\x41"}"#,
    #"{"type":"ping","x":"\u12g4"}"#, #"{"type":"ping","x":"\ud800"}"#,
    #"{"type":"ping","x":"\udc00"}"#, #"{"type":"ping","x":"\ud800\ud800"}"#,
    #"{"type":"ping","x":"\ud800x"}"#, #"{"type":"ping","\ud800":1}"#,
    "{\"type\":\"ping\",\"x\":\"a\nb\"}", "{\"type\":\"ping\",\"x\":\"\0\"}",
    "{\"type\":\"ping\",\u{0B}\"x\":1}", #"{"type":"ping"/**/}"#,
  ])
  func `refuses what is not one JSON object`(text: String) {
    #expect(refusal(of: text)?.code == .badRequest)
  }

  @Test(arguments: [
    #"{"type":"ping","type":"ping"}"#, #"{"type":"ping","t\u0079pe":"ping"}"#,
    #"{"type":"ping","x":1,"y":2,"x":3}"#, #"{"type":"ping","x":{"":1,"":1}}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{"text":"a","text":"b"}}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{"x":[{"k":1,"\u006b":2}]}}"#,
    #"{"type":"hello","user":"a","resume":{"@b":1,"@b":2}}"#,
  ])
  func `refuses a key given twice`(text: String) {
    #expect(refusal(of: text)?.message == "a key is given twice in one object")
  }

  @Test func `takes many distinct keys in one object`() throws {
    let members = (0..<5_000).map { #""k\#($0)":\#($0)"# }.joined(separator: ",")
    #expect(try decode(#"{"type":"ping","x":{\#(members)}}"#) == .ping(nil))
    #expect(refusal(of: #"{"type":"ping","x":{\#(members),"k17":0}}"#)?.code == .badRequest)
  }

  @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
  func `stops at its depth limit`(open: String, close: String) throws {
    func nested(_ depth: Int) -> String {
      let brackets = [open, close].map { String(repeating: $0, count: depth) }
      let value = brackets.joined(separator: "1")
      return #"{"type":"ping","x":\#(value)}"#
    }
    #expect(try decode(nested(31)) == .ping(nil))
    #expect(refusal(of: nested(32))?.code == .badRequest)
    #expect(refusal(of: nested(100_000))?.code == .badRequest)
    #expect(refusal(of: #"{"x":"# + String(repeating: open, count: 100_000))?.code == .badRequest)
  }

  @Test(arguments: [
    #"{}"#, #"{"id":1}"#, #"{"type":1}"#, #"{"type":null}"#, #"{"type":["ping"]}"#,
    #"{"type":"ping","id":{}}"#, #"{"type":"ping","id":[1]}"#, #"{"type":"ping","id":true}"#,
    #"{"type":"send"}"#, #"{"type":"send","cid":"c","to":"@a"}"#,
    #"{"type":"send","cid":"c","body":{}}"#, #"{"type":"send","to":"@a","body":{}}"#,
    #"{"type":"send","cid":"","to":"@a","body":{}}"#,
    #"{"type":"send","cid":7,"to":"@a","body":{}}"#,
    #"{"type":"send","cid":"a\u0000b","to":"@a","body":{}}"#,
    #"{"type":"send","cid":"a\u007f","to":"@a","body":{}}"#,
    #"{"type":"send","cid":"c","to":"a","body":{}}"#,
    #"{"type":"send","cid":"c","to":"@","body":{}}"#,
    #"{"type":"send","cid":"c","to":"@Alice","body":{}}"#,
    #"{"type":"send","cid":"c","to":"@a b","body":{}}"#,
    #"{"type":"send","cid":"c","to":"@alicé","body":{}}"#,
    #"{"type":"send","cid":"c","to":"@a:b","body":{}}"#,
    #"{"type":"send","cid":"c","to":17,"body":{}}"#,
    #"{"type":"send","cid":"c","to":"@a","body":"hi"}"#,
    #"{"type":"send","cid":"c","to":"@a","body":[]}"#,
    #"{"type":"send","cid":"c","to":"@a","body":null}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{"text":1}}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{"text":null}}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{"te\u0078t":{}}}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{},"reply_to":0}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{},"reply_to":-1}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{},"reply_to":1.5}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{},"reply_to":"1"}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{},"reply_to":9007199254740992}"#,
    #"{"type":"send","cid":"c","to":"@a","body":{},"reply_to":99999999999999999999999}"#,
    #"{"type":"history"}"#, #"{"type":"history","to":"@a","before":-1}"#,
    #"{"type":"history","to":"@a","after":1e3}"#,
    #"{"type":"history","to":"@a","after":9007199254740992}"#,
    #"{"type":"history","to":"@a","limit":0}"#, #"{"type":"history","to":"@a","limit":-5}"#,
    #"{"type":"history","to":"@a","limit":"5"}"#,
    #"{"type":"hello","user":""}"#, #"{"type":"hello","user":"@"}"#,
    #"{"type":"hello","user":"@@a"}"#,
    #"{"type":"hello","user":7}"#, #"{"type":"hello","token":7}"#, #"{"type":"hello","device":""}"#,
    #"{"type":"hello","device":"a\nb"}"#, #"{"type":"hello","resume":[]}"#,
    #"{"type":"hello","resume":{"bob":1}}"#, #"{"type":"hello","resume":{"@bob":-1}}"#,
    #"{"type":"hello","resume":{"@bob":"1"}}"#,
    #"{"type":"hello","resume":{"@bob":9007199254740992}}"#,
  ])
  func `refuses a missing or wrong field`(text: String) {
    #expect(refusal(of: text)?.code == .badRequest)
  }

  @Test(arguments: [64, 65])
  func `bounds names, cids and devices`(length: Int) {
    let text = String(repeating: "a", count: length)
    let frames = [
      #"{"type":"send","cid":"\#(text)","to":"@a","body":{}}"#,
      #"{"type":"send","cid":"c","to":"@\#(text)","body":{}}"#,
      ##"{"type":"send","cid":"c","to":"#\##(text)","body":{}}"##,
      #"{"type":"hello","user":"\#(text)"}"#,
      #"{"type":"hello","device":"\#(text)"}"#,
    ]
    for frame in frames { #expect(refusal(of: frame)?.code == (length == 64 ? nil : .badRequest)) }
  }

  @Test func `bounds the id`() {
    let text = String(repeating: "a", count: 126)
    #expect(refusal(of: #"{"type":"ping","id":"\#(text)"}"#) == nil)
    #expect(refusal(of: #"{"type":"ping","id":"\#(text)a"}"#)?.code == .badRequest)
  }

  @Test func `bounds the body`() {
    func frame(_ bodyBytes: Int) -> String {
      let text = String(repeating: "a", count: bodyBytes - 11)
      return #"{"type":"send","id":3,"cid":"c","to":"@a","body":{"text":"\#(text)"}}"#
    }
    #expect(refusal(of: frame(16_384)) == nil)
    let error = refusal(of: frame(16_385))
    #expect(error?.code == .tooLarge)
    #expect(error?.id == RequestID(json: "3"))
  }

  @Test func `bounds the resume map`() {
    func frame(_ count: Int) -> String {
      let entries = (0..<count).map { #""@u\#($0)":1"# }.joined(separator: ",")
      return #"{"type":"hello","user":"a","resume":{\#(entries)}}"#
    }
    #expect(refusal(of: frame(4_096)) == nil)
    #expect(refusal(of: frame(4_097))?.code == .tooLarge)
  }

  @Test(arguments: [
    (#"{"id":"a\"b","type":7}"#, #""a\"b""#),
    (#"{"id":4,"type":"ping","x":1e999}"#, "4"),
    (#"{"id":4,"type":"send"}"#, "4"),
  ])
  func `answers with the id that it could read`(text: String, id: String) {
    #expect(refusal(of: text)?.id == RequestID(json: id))
  }

  @Test func `survives bytes that are not UTF-8`() {
    let frame = Array(#"{"type":"hello","device":"??","user":"a"}"#.utf8)
    let hostile = frame.map { $0 == UInt8(ascii: "?") ? 0xFF : $0 }
    #expect(throws: Never.self) { try decode(hostile) }
  }
}
