import Bytes
import SockJS
import Testing

private func frame(_ frame: SockJSFrame, to receiver: SockJSReceiver) -> String {
  written { receiver.append(frame, to: &$0) }
}

/// A frame with these messages.
private func messages(_ texts: String..., to receiver: SockJSReceiver) -> String {
  var quoted = ByteBuffer()
  for text in texts {
    if quoted.count > 0 { quoted.append(UInt8(ascii: ",")) }
    text.withBytes { quoted.appendQuoted($0) }
  }
  return frame(.messages(quoted.bytes), to: receiver)
}

@Suite struct SockJSReceiverTests {
  private let callback = SockJSCallback("_jp.a1")!
  private var all: [SockJSReceiver] {
    [.xhr, .xhrStreaming, .eventSource, .htmlFile(callback), .jsonp(callback)]
  }

  @Test func `wraps each frame as its transport does`() {
    let close = SockJSFrame.close(SockJSClose(3000, "Go away!"))
    for receiver in [SockJSReceiver.xhr, .xhrStreaming] {
      #expect(frame(.open, to: receiver) == "o\n")
      #expect(frame(.heartbeat, to: receiver) == "h\n")
      #expect(messages("a", "b\"", to: receiver) == #"a["a","b\""]"# + "\n")
      #expect(frame(close, to: receiver) == "c[3000,\"Go away!\"]\n")
    }
    #expect(frame(.open, to: .eventSource) == "data: o\r\n\r\n")
    #expect(messages("  \u{0}\n\r ", to: .eventSource) == #"data: a["  \u0000\n\r "]"# + "\r\n\r\n")
    #expect(frame(.open, to: .htmlFile(callback)) == "<script>\np(\"o\");\n</script>\r\n")
    #expect(
      messages("x", to: .htmlFile(callback)) == "<script>\np(\"a[\\\"x\\\"]\");\n</script>\r\n")
    #expect(frame(.open, to: .jsonp(callback)) == "/**/_jp.a1(\"o\");\r\n")
    #expect(
      frame(close, to: .jsonp(callback)) == #"/**/_jp.a1("c[3000,\"Go away!\"]");"# + "\r\n")
  }

  @Test func `writes a close frame for a WebSocket bare`() {
    #expect(
      written { $0.append(.close(SockJSClose(4008, "no \"hello\"\n"))) }
        == #"c[4008,"no \"hello\"\n"]"#)
    #expect(written { $0.append(.open) } == "o")
    #expect(written { $0.append(.heartbeat) } == "h")
  }

  @Test func `begins each response as browsers need it`() {
    func prelude(_ receiver: SockJSReceiver) -> String {
      written { receiver.appendPrelude(to: &$0) }
    }
    #expect(prelude(.xhr) == "")
    #expect(prelude(.jsonp(callback)) == "")
    #expect(prelude(.eventSource) == "\r\n")
    #expect(prelude(.xhrStreaming) == String(repeating: "h", count: 2048) + "\n")
    for name in ["c", String(repeating: "c", count: SockJSCallback.bytesMax)] {
      let page = prelude(.htmlFile(SockJSCallback(name)!))
      #expect(page.utf8.count > 1024)
      #expect(page.hasPrefix("<!doctype html>\n<html><head>\n"))
      #expect(page.contains("\n    var c = parent.\(name);\n    c.start();\n"))
      #expect(page.hasSuffix("\r\n\r\n"))
    }
  }

  @Test func `gives clients that decode URIs their percent signs back`() {
    #expect(messages("100% of %41", to: .eventSource) == "data: a[\"100%25 of %2541\"]\r\n\r\n")
    #expect(messages("100% of %41", to: .xhr) == "a[\"100% of %41\"]\n")
    #expect(
      frame(.close(SockJSClose(4000, "%")), to: .eventSource) == "data: c[4000,\"%25\"]\r\n\r\n")
  }

  @Test func `lets no message end the script that it is written into`() {
    let hostile = "</script><script>alert(1)</script><!-- \u{2028}\u{2029}\"\\"
    for receiver in [SockJSReceiver.htmlFile(callback), .jsonp(callback)] {
      let text = messages(hostile, to: receiver)
      #expect(text.contains(#"a[\"\u003c/script>\u003cscript>alert(1)\u003c/script>\u003c!-- "#))
      // Quoted once as a message, and that once more as a string.
      #expect(text.contains(#"\\u2028\\u2029\\\"\\\\\"]"#))
      #expect(!text.contains("\u{2028}"))
    }
  }

  @Test func `lets no text end an event or a line`() {
    for receiver in all {
      let text = messages("a\r\n\r\ndata: forged\n\u{2028}\u{85}", to: receiver)
      let plain = messages("a", to: receiver)
      #expect(text.filter(\.isNewline).count == plain.filter(\.isNewline).count + 1, "\(receiver)")
      #expect(text.utf8.filter { $0 < 0x20 }.count == plain.utf8.filter { $0 < 0x20 }.count)
    }
  }

  @Test func `names of callbacks hold nothing that could leave a script`() {
    for name in ["c", "_jp.a1b2c3", "A-Z_0.9", String(repeating: "c", count: 32)] {
      #expect(SockJSCallback(name)?.name == name)
    }
    let refused = [
      "", " ", "*", "abc(", "a b", "é", "a\n", "a\u{0}", "<", "a;b", "a[0]", "a\"", "a'", "a/",
      "$jp", String(repeating: "c", count: 33),
    ]
    for name in refused { #expect(SockJSCallback(name) == nil, "\(name)") }
  }
}
