import Testing

@testable import HTTP1

/// A request that is refused, and the status that it gets.
struct Refused: CustomTestStringConvertible, Sendable {
  let text: String
  let code: UInt16

  var testDescription: String { "\(code) \(text.prefix(60).debugDescription)" }

  init(_ text: String, _ code: UInt16) {
    self.text = text
    self.code = code
  }

  /// Complete lines behind a good request line and Host.
  static func fields(_ lines: String, _ code: UInt16, body: String = "") -> Refused {
    Refused("POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n\(body)", code)
  }

  static func chunks(_ body: String, _ code: UInt16) -> Refused {
    fields("Transfer-Encoding: chunked", code, body: body)
  }

  static func path(_ path: String) -> Refused {
    Refused("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", 400)
  }
}

@Suite struct HostileRequestTests {
  static let framing: [Refused] = [
    .fields("Content-Length: 5\r\nTransfer-Encoding: chunked", 400),
    .fields("Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
    .fields("Content-Length: 5\r\nContent-Length: 5", 400),
    .fields("Content-Length: 5\r\nContent-Length: 6", 400),
    .fields("Content-Length: 5, 5", 400), .fields("Content-Length: +5", 400),
    .fields("Content-Length: -1", 400), .fields("Content-Length: 0x5", 400),
    .fields("Content-Length:", 400), .fields("Content-Length: 5 5", 400),
    .fields("Content-Length: 12345678901234567890", 400),
    .fields("Content-Length: 9999999999999999999", 413),
    .fields("Content-Length: 1048577", 413),
    .fields("Transfer-Encoding: chunked, gzip", 400),
    .fields("Transfer-Encoding: chunked, chunked", 400),
    .fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
    .fields("Transfer-Encoding:", 400), .fields("Transfer-Encoding: ,", 400),
    .fields("Transfer-Encoding: gzip, chunked", 501), .fields("Transfer-Encoding: xchunked", 501),
    .fields("Transfer-Encoding: chunked;q=1", 501), .fields("Transfer-Encoding: identity", 501),
    .fields("Transfer-Encoding: \u{B}chunked", 400), .fields("Transfer-Encoding : chunked", 400),
    Refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
  ]

  static let chunks: [Refused] = [
    .chunks("x\r\n", 400), .chunks("\r\n", 400), .chunks(";a\r\n", 400), .chunks("0x5\r\n", 400),
    .chunks("-1\r\n", 400), .chunks("+1\r\n", 400), .chunks("5 \r\nhello\r\n", 400),
    .chunks("5\nhello\r\n", 400), .chunks("5\rhello\r\n", 400), .chunks("5\r\nhello!\r\n", 400),
    .chunks("5\r\nhell\r\n0\r\n\r\n", 400), .chunks("5\r\nhello\n0\r\n\r\n", 400),
    .chunks("fffffffffffffffff\r\n", 400), .chunks("fffffffffffffff\r\n", 413),
    .chunks("100001\r\n", 413), .chunks("1;\u{0}\r\n", 400), .chunks("1;a\nb\r\n", 400),
    .chunks("0\r\nA : b\r\n\r\n", 400), .chunks("0\r\n b\r\n\r\n", 400),
    .chunks("0\r\nA: \u{0}\r\n\r\n", 400), .chunks("0\r\nA: b\n\r\n", 400),
    .chunks("0\r\n\rx", 400), .chunks("0\r\nA: b\rx", 400),
    .chunks("1;" + String(repeating: "x", count: 17_000), 431),
    .chunks("0\r\n" + String(repeating: "a: b\r\n", count: 4_000), 431),
    .chunks(String(repeating: "1;x\r\na\r\n", count: 17_000), 431),
  ]

  static let lines: [Refused] = [
    Refused("GET / HTTP/1.1\nHost: a\n\n", 400), Refused("GET / HTTP/1.1\rHost: a\r\n\r\n", 400),
    Refused("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    .fields("A: b\r\n c: d", 400), .fields("A: b\r\n\tc: d", 400), .fields(" A: b", 400),
    .fields("A : b", 400), .fields(": b", 400), .fields("A", 400), .fields("A b: c", 400),
    .fields("A\u{0}: b", 400), .fields("A: \u{0}", 400), .fields("A: \u{7F}", 400),
    .fields("A: b\rc", 400), .fields("A(: b", 400), .fields("Ä: b", 400),
    Refused("GET / HTTP/1.1\r\n\r\n", 400),
    Refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    Refused("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    Refused("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    Refused("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    Refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    Refused("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    Refused("\u{16}\u{3}\u{1}", 400), Refused("\r\n\r\n", 400),
  ]

  static let requestLines: [Refused] = [
    Refused("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    Refused("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    Refused("QUERY / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    Refused("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    Refused("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    Refused("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505),
    Refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    Refused("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
    Refused("GET / http/1.1\r\nHost: a\r\n\r\n", 400), Refused("GET /\r\n\r\n", 400),
    Refused("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    Refused("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    Refused(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    Refused("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    .path("a"), .path("*"), .path("ftp://a/"), .path("http:///"), .path("http://a b/"),
    .path("http://u@a/"), .path("/\u{0}"), .path("/ä"), .path("/a#b"), .path("/a\\b"),
    .path("/%00"), .path("/%0d%0aX:%20y"), .path("/%7f"), .path("/a%2fb"), .path("/%5C"),
    .path("/%252e%252e/"), .path("/%"), .path("/%4"), .path("/%zz"), .path("/%4/1"),
  ]

  static let sizes: [Refused] = [
    .path("/" + String(repeating: "a", count: 9_000)).with(414),
    Refused(String(repeating: "a", count: 9_000), 414),
    .fields("A: " + String(repeating: "a", count: 17_000), 431),
    .fields(Array(repeating: "A: b", count: 100).joined(separator: "\r\n"), 431),
  ]

  @Test(arguments: [framing, chunks, lines, requestLines, sizes].joined())
  func `is refused with its status`(refused: Refused) {
    #expect(Transcript(parsing: refused.text).error?.status.code == refused.code)
  }

  /// The largest inputs are cut into single bytes only: every cut of them takes too long.
  @Test(arguments: [framing, chunks, lines, requestLines, sizes].joined())
  func `is refused alike however it is cut`(refused: Refused) {
    let bytes = Array(refused.text.utf8)
    let whole = Transcript(parsing: [bytes])
    let cuts = bytes.count < 1_000 ? everyCut(bytes) : [bytes.map { [$0] }]
    for cut in cuts {
      #expect(Transcript(parsing: cut).error == whole.error)
    }
  }

  @Test func `is refused before the end of a line that is too long`() {
    let limits = RequestLimits()
    let fits = String(repeating: "a", count: limits.requestLineBytesMax)
    #expect(Transcript(parsing: fits).error == nil)
    #expect(Transcript(parsing: fits + "a").error == .targetTooLong)
    let head = "GET / HTTP/1.1\r\nA: "
    let field = String(repeating: "a", count: limits.headBytesMax - head.utf8.count)
    #expect(Transcript(parsing: head + field).error == nil)
    #expect(Transcript(parsing: head + field + "a").error == .headTooLarge)
  }

  @Test func `survives random bytes and random edits`() {
    var random = SplitMix64(state: 7)
    let seed = Array(RequestParserTests.valid.joined().utf8)
    for _ in 0..<2_000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      let cut = Int.random(in: 0..<bytes.count, using: &random)
      let whole = Transcript(parsing: [bytes])
      let parts = Transcript(parsing: [Array(bytes[..<cut]), Array(bytes[cut...])])
      #expect(whole == parts)
    }
  }
}

extension Refused {
  fileprivate func with(_ code: UInt16) -> Refused { Refused(text, code) }
}

/// A generator whose sequence a seed fixes.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
