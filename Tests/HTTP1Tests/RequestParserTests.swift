import Testing

@testable import HTTP1

@Suite struct RequestParserTests {
  static let valid = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nGET /ws?user=alice HTTP/1.1\r\nHost: a:8080\r\nX-Empty:\r\nY: \t b \t\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      + "5\r\nhello\r\n01;x=\"y\"\r\n!\r\n0\r\nTrailer: t\r\n\r\nDELETE /d HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://b:1/p?q HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  ]

  @Test(arguments: valid)
  func `is the same however the input is cut`(text: String) {
    let whole = Transcript(parsing: text)
    #expect(whole.error == nil)
    #expect(!whole.requests.isEmpty && whole.requests.allSatisfy(\.isWhole))
    for cut in everyCut(Array(text.utf8)) {
      #expect(Transcript(parsing: cut) == whole)
    }
  }

  @Test func `answers pipelined requests in order and with their bodies`() {
    let text = Self.valid.joined()
    let requests = Transcript(parsing: text).requests
    #expect(
      requests.map(\.path) == ["/", "/ws", "/a", "/a", "/b", "/c", "/d", "/p", "*"])
    #expect(requests[2].body == Array("hello".utf8))
    #expect(requests[5].body == Array("hello!".utf8))
    for cut in everyCut(Array(text.utf8)) {
      #expect(Transcript(parsing: cut).requests == requests)
    }
  }

  @Test func `stops behind an upgrade and leaves the other protocol's bytes`() throws {
    let text = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n\u{1}\u{2}"
    try Array(text.utf8).withUnsafeBytes { input in
      var parser = RequestParser()
      var offset = 0
      guard case .head = try parser.next(in: input, at: &offset, limits: RequestLimits()),
        case .end = try parser.next(in: input, at: &offset, limits: RequestLimits())
      else {
        Issue.record("no whole request")
        return
      }
      #expect(offset == input.count - 2)
      #expect(!parser.isMidway)
    }
  }

  @Test func `is midway from a head's first byte to the request's end`() throws {
    var parser = RequestParser()
    let text = Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx".utf8)
    #expect(!parser.isMidway)
    for (index, byte) in text.enumerated() {
      try [byte].withUnsafeBytes { input in
        var offset = 0
        while try parser.next(in: input, at: &offset, limits: RequestLimits()) != nil {}
      }
      #expect(parser.isMidway == (index < text.count - 1))
    }
  }

  @Test(arguments: [
    ("HTTP/1.1\r\nHost: a", true), ("HTTP/1.1\r\nHost: a\r\nConnection: x, Close", false),
    ("HTTP/1.0", false), ("HTTP/1.0\r\nConnection: Keep-Alive", true),
    ("HTTP/1.0\r\nConnection: keep-alive, close", false),
  ])
  func `keeps the connection as version and Connection say`(rest: String, keepsAlive: Bool) {
    let transcript = Transcript(parsing: "GET / \(rest)\r\n\r\n")
    #expect(transcript.heads.map(\.keepsAlive) == [keepsAlive])
  }

  @Test func `knows who waits for 100 Continue`() {
    let transcript = Transcript(
      parsing: "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n")
    #expect(transcript.heads.map(\.expectsContinue) == [true])
    let other = Transcript(parsing: "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n")
    #expect(other.error == .expectationFailed)
  }

  @Test func `finds fields in any case and lists across lines`() throws {
    let head = try #require(
      Transcript(
        parsing: "GET / HTTP/1.1\r\nHOST: a\r\nX-List: a, b\r\nx-list: ,C ,\r\nOne: 1\r\n\r\n"
      ).heads.first)
    #expect(head.host == "a")
    #expect(head.headers["one"] == "1")
    #expect(head.headers.only("x-list") == nil)
    #expect(head.headers.lists("c", in: "x-list"))
    #expect(!head.headers.lists("d", in: "x-list"))
    #expect(
      head.headers.elements("x-list").map { String(decoding: $0, as: UTF8.self) }
        == ["a", "b", "C"])
  }

  @Test func `takes a target's authority above Host`() {
    let transcript = Transcript(parsing: "GET http://b:1 HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(transcript.heads.map(\.host) == ["b:1"])
    #expect(transcript.requests.map(\.path) == ["/"])
  }
}
