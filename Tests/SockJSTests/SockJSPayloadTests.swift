import HTTP1
import SockJS
import Testing

private let form = "application/x-www-form-urlencoded"

private func decode(
  _ body: [UInt8], over transport: SockJSTransport = .xhrSend, contentType: String? = nil,
  limits: SockJSLimits = SockJSLimits()
) throws(SockJSPayloadError) -> [String] {
  let payload = try body.withUnsafeBufferPointer { (bytes) throws(SockJSPayloadError) in
    try SockJSPayload(
      UnsafeRawBufferPointer(bytes), contentType: contentType, over: transport, limits: limits)
  }
  var messages: [String] = []
  payload.withEach { messages.append(String(decoding: $0, as: UTF8.self)) }
  #expect(messages.count == payload.count)
  return messages
}

private func refusal(
  _ body: [UInt8], over transport: SockJSTransport = .xhrSend, contentType: String? = nil,
  limits: SockJSLimits = SockJSLimits()
) -> SockJSPayloadError? {
  do throws(SockJSPayloadError) {
    _ = try decode(body, over: transport, contentType: contentType, limits: limits)
    return nil
  } catch {
    return error
  }
}

@Suite struct SockJSPayloadTests {
  @Test func `decodes arrays of strings`() throws {
    let table: [(String, [String])] = [
      ("[]", []),
      (" [ ] ", []),
      (#"["a"]"#, ["a"]),
      (#"["",""]"#, ["", ""]),
      ("[ \"a\" ,\r\n\t\"b\" ]\n", ["a", "b"]),
      (#"["{\"type\":\"send\"}"]"#, [#"{"type":"send"}"#]),
      (#"["\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\"]"#, ["é😀/\u{8}\u{C}\n\r\t\"\\"]),
      (#"["é😀","\u0000"]"#, ["é😀", "\u{0}"]),
      (#"["no escapes","one\n","none"]"#, ["no escapes", "one\n", "none"]),
    ]
    for (body, expected) in table {
      for transport in [SockJSTransport.xhrSend, .jsonpSend, .websocket] {
        #expect(try decode(Array(body.utf8), over: transport) == expected, "\(body)")
      }
    }
  }

  @Test func `takes a lone string or nothing from a WebSocket alone`() throws {
    #expect(try decode(Array(#""a\n""#.utf8), over: .websocket) == ["a\n"])
    #expect(try decode([], over: .websocket) == [])
    #expect(refusal(Array(#""a""#.utf8), over: .xhrSend) == .payloadExpected)
    #expect(refusal([], over: .xhrSend) == .payloadExpected)
    #expect(refusal([], over: .jsonpSend) == .payloadExpected)
  }

  @Test func `refuses what is no array of strings`() {
    let table: [(String, SockJSPayloadError)] = [
      ("{}", .payloadExpected), ("1", .payloadExpected), ("null", .payloadExpected),
      (#"{"d":["a"]}"#, .payloadExpected), ("\"a\"", .payloadExpected),
      (" ", .brokenEncoding), ("[", .brokenEncoding), (#"["x"#, .brokenEncoding),
      (#"["x""#, .brokenEncoding), (#"["x","#, .brokenEncoding), (#"["x",]"#, .brokenEncoding),
      (#"[,"x"]"#, .brokenEncoding), (#"["x" "y"]"#, .brokenEncoding),
      (#"["x"]]"#, .brokenEncoding), (#"["x"],"#, .brokenEncoding),
      (#"["x"]["y"]"#, .brokenEncoding),
      ("[1]", .brokenEncoding), ("[null]", .brokenEncoding), ("[[\"x\"]]", .brokenEncoding),
      ("[{}]", .brokenEncoding), ("['x']", .brokenEncoding), ("[x]", .brokenEncoding),
      ("[\"a\nb\"]", .brokenEncoding), ("[\"\u{0}\"]", .brokenEncoding),
      (#"["\x"]"#, .brokenEncoding), (#"["\u00"]"#, .brokenEncoding),
      (#"["\ud800"]"#, .brokenEncoding), (#"["\udc00\ud800"]"#, .brokenEncoding),
      ("\u{FEFF}[\"a\"]", .brokenEncoding), ("{", .brokenEncoding), ("1e400", .brokenEncoding),
    ]
    for (body, expected) in table {
      #expect(refusal(Array(body.utf8)) == expected, "\(body)")
    }
  }

  @Test func `refuses text that is not UTF-8`() {
    for bytes in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xC3], [0xF4, 0x90, 0x80, 0x80]]
      as [[UInt8]]
    {
      #expect(refusal(Array("[\"".utf8) + bytes + Array("\"]".utf8)) == .brokenEncoding)
    }
    #expect(
      refusal(Array("d=[%22%ff%22]".utf8), over: .jsonpSend, contentType: form) == .brokenEncoding)
  }

  @Test func `refuses a payload cut anywhere`() throws {
    let whole = Array(#"["a\u00e9\n","😀",""]"#.utf8)
    #expect(try decode(whole) == ["aé\n", "😀", ""])
    for end in 1..<whole.count {
      #expect(refusal(Array(whole[..<end])) == .brokenEncoding, "cut at \(end)")
    }
  }

  @Test func `decodes the field of a form`() throws {
    let table: [(String, [String])] = [
      ("d=%5B%22x%22%5D", ["x"]),
      ("d=[\"x+y%20z%2B\"]", ["x y z+"]),
      ("a=1&d=%5B%5D&d=broken", []),
      ("dd=broken&d=[\"1=2\"]", ["1=2"]),
      ("d=%5b%22%c3%a9%F0%9F%98%80%22%5d", ["é😀"]),
    ]
    for type in [form, form + "; charset=UTF-8", form.uppercased(), " " + form + " ;x"] {
      for (body, expected) in table {
        #expect(
          try decode(Array(body.utf8), over: .jsonpSend, contentType: type) == expected, "\(body)")
      }
    }
  }

  @Test func `refuses forms without their field or with a broken one`() {
    let table: [(String, SockJSPayloadError)] = [
      ("", .payloadExpected), ("d=", .payloadExpected), ("d", .payloadExpected),
      ("p=p", .payloadExpected), ("=", .payloadExpected), ("&&", .payloadExpected),
      ("D=%5B%5D", .payloadExpected), ("d=1", .payloadExpected),
      ("d=%5B%22x", .brokenEncoding), ("d=%5B%22x%22%5", .brokenEncoding),
      ("d=%5B%22x%22%", .brokenEncoding), ("d=%zz", .brokenEncoding), ("d=x", .brokenEncoding),
    ]
    for (body, expected) in table {
      #expect(
        refusal(Array(body.utf8), over: .jsonpSend, contentType: form) == expected, "\(body)")
    }
  }

  @Test func `takes other content types as plain text`() throws {
    let body = Array(#"["%61bc"]"#.utf8)
    for type in [nil, "", "text/plain", "T", "application/json; charset=utf-8", form + "ish"] {
      #expect(try decode(body, over: .jsonpSend, contentType: type) == ["%61bc"])
      #expect(try decode(body, over: .xhrSend, contentType: type) == ["%61bc"])
    }
    #expect(try decode(body, over: .xhrSend, contentType: form) == ["%61bc"])
  }

  @Test func `takes as much as the limits allow`() throws {
    var limits = SockJSLimits()
    limits.messagesMax = 2
    limits.payloadBytesMax = 11
    #expect(try decode(Array(#"["a","b"]"#.utf8), limits: limits) == ["a", "b"])
    #expect(refusal(Array(#"["","",""]"#.utf8), limits: limits) == .tooLarge)
    #expect(try decode(Array(#"["1234567"]"#.utf8), limits: limits) == ["1234567"])
    #expect(refusal(Array(#"["12345678"]"#.utf8), limits: limits) == .tooLarge)
    #expect(refusal(Array(#""1234567890""#.utf8), over: .websocket, limits: limits) == .tooLarge)
  }

  @Test func `says what clients and proxies know`() {
    #expect(SockJSPayloadError.payloadExpected.text == "Payload expected.")
    #expect(SockJSPayloadError.payloadExpected.status.code == 500)
    #expect(SockJSPayloadError.brokenEncoding.text == "Broken JSON encoding.")
    #expect(SockJSPayloadError.brokenEncoding.status.code == 500)
    #expect(SockJSPayloadError.tooLarge.status.code == 413)
  }
}
