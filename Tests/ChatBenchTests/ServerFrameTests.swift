import Testing

@testable import chat_bench

@Suite struct ServerFrameTests {
  private func read<Result>(_ text: String, _ use: (ServerFrame) -> Result) -> Result? {
    Array(text.utf8).withUnsafeBytes { ServerFrame($0).map(use) }
  }

  @Test func `reads a message`() {
    let text = #"""
      {"type":"msg","conv":"@a","seq":18,"from":"@alice","cid":"a\"b","ts":5,
       "body":{"more":[{"text":"no"},"}"],"text":"hi there"},"reply_to":7}
      """#
    let wasRead: Void? = read(text) { frame in
      #expect(frame.type == "msg")
      #expect(frame.sequence == 18)
      #expect(frame.from == "alice")
      #expect(frame.text.map { String(decoding: $0, as: UTF8.self) } == "hi there")
    }
    #expect(wasRead != nil)
  }

  @Test func `reads an answer`() {
    let text =
      #"{"type":"error","id":2,"code":"unavailable","retryable":true,"retry_after_ms":800}"#
    let wasRead: Void? = read(text) { frame in
      #expect(frame.id == 2)
      #expect(frame.code == "unavailable")
      #expect(frame.isRetryable)
      #expect(frame.afterMilliseconds == 800)
    }
    #expect(wasRead != nil)
  }

  @Test func `reads a page`() {
    let text = #"""
      {"type":"page","conv":"@a","items":[{"seq":1,"from":"@b","body":{}},
        {"seq":2,"from":"@c","body":{"text":"]"}}],"more":true}
      """#
    let wasRead: Void? = read(text) { frame in
      #expect(frame.items.map(\.sequence) == [1, 2])
      #expect(frame.items.map(\.from) == ["b", "c"])
      #expect(frame.more)
    }
    #expect(wasRead != nil)
  }

  @Test(arguments: ["", "{", "[]x", "17", #"{"type":"msg""#, #"{"type":"#, #"{"a":"\"#])
  func `survives what is no frame`(text: String) {
    #expect(read(text) { $0.type } ?? "" == "")
  }
}
