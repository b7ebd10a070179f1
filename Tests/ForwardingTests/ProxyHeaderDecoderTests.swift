import Testing

@testable import Forwarding

/// What a decoder made of its input, and how much of it it left.
private struct Outcome: Equatable {
  var header: ProxyHeader?
  var error: ProxyHeaderError?
  var bytesLeft: [UInt8] = []

  /// Decodes `pieces` one after another, as reads of one connection.
  init(decoding pieces: [[UInt8]]) {
    var decoder = ProxyHeaderDecoder()
    for piece in pieces {
      var offset = 0
      if header == nil, error == nil {
        piece.withUnsafeBytes { input in
          do throws(ProxyHeaderError) {
            header = try decoder.next(in: input, at: &offset)
          } catch {
            self.error = error
          }
        }
      }
      bytesLeft += piece[offset...]
    }
    // What is read behind an error is nobody's business.
    if error != nil { bytesLeft = [] }
  }
}

private let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

/// A header of version 2; the length is that of the body unless it is given.
private func binary(
  _ command: UInt8, _ family: UInt8, _ body: [UInt8], length: Int? = nil
) -> [UInt8] {
  let length = length ?? body.count
  return signature + [command, family, UInt8(length >> 8), UInt8(length & 0xFF)] + body
}

private let v4: [UInt8] = [203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80]
private let v6: [UInt8] =
  [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [7]
  + Array(repeating: 0, count: 15) + [1] + [0x12, 0x34, 0, 80]
private let client = ProxyHeader.onBehalf(of: IPAddress("203.0.113.7")!)
private let clientV6 = ProxyHeader.onBehalf(of: IPAddress("2001:db8::7")!)

@Suite struct ProxyHeaderDecoderTests {
  private static let lines: [(String, ProxyHeader)] = [
    ("PROXY TCP4 203.0.113.7 10.0.0.1 4711 80", client),
    ("PROXY TCP4 203.0.113.7 10.0.0.1 0 65535", client),
    ("PROXY TCP6 2001:db8::7 ::1 4711 80", clientV6),
    ("PROXY TCP6 2001:DB8:0000:0000:0000:0000:0000:0007 ::1 4711 80", clientV6),
    ("PROXY TCP6 ::ffff:203.0.113.7 ::ffff:10.0.0.1 4711 80", client),
    ("PROXY UNKNOWN", .own),
    ("PROXY UNKNOWN ", .own),
    ("PROXY UNKNOWN anything \u{0}\u{FF} at all", .own),
    ("PROXY UNKNOWN " + String(repeating: "f", count: 107 - 16), .own),
  ]

  private static let blocks: [([UInt8], ProxyHeader)] = [
    (binary(0x21, 0x11, v4), client),
    (binary(0x21, 0x21, v6), clientV6),
    // A vector of three bytes, one cut short, and as much as is taken at all.
    (binary(0x21, 0x11, v4 + [4, 0, 0]), client),
    (binary(0x21, 0x11, v4 + [1, 0, 200, 0x68, 0x32]), client),
    (binary(0x21, 0x21, v6 + Array(repeating: 0xEE, count: 4096 - v6.count)), clientV6),
    // LOCAL: whatever else it says.
    (binary(0x20, 0x00, []), .own),
    (binary(0x20, 0x11, v4), .own),
    (binary(0x20, 0xFF, [1, 2, 3]), .own),
    // Not TCP over IP: unspecified, UDP, Unix sockets, and a family without a transport.
    (binary(0x21, 0x00, []), .own), (binary(0x21, 0x00, v4), .own), (binary(0x21, 0x12, v4), .own),
    (binary(0x21, 0x22, v6), .own), (binary(0x21, 0x31, Array(repeating: 47, count: 216)), .own),
    (binary(0x21, 0x32, Array(repeating: 47, count: 220)), .own), (binary(0x21, 0x10, []), .own),
    (binary(0x21, 0x01, []), .own),
  ]

  private static let headers = lines.map { (Array($0.utf8) + [13, 10], $1) } + blocks

  @Test(arguments: headers)
  func `is read the same however it is cut, and what follows is left`(
    bytes: [UInt8], header: ProxyHeader
  ) {
    var expected = Outcome(decoding: [])
    expected.header = header
    expected.bytesLeft = Array("\r\nGET".utf8)
    let bytes = bytes + expected.bytesLeft
    #expect(Outcome(decoding: [bytes]) == expected)
    #expect(Outcome(decoding: bytes.map { [$0] }) == expected)
    for cut in bytes.indices.prefix(400) {
      #expect(Outcome(decoding: [Array(bytes[..<cut]), Array(bytes[cut...])]) == expected)
    }
  }

  @Test(arguments: headers)
  func `is not there before its last byte`(bytes: [UInt8], header: ProxyHeader) {
    #expect(Outcome(decoding: [Array(bytes.dropLast())]) == Outcome(decoding: []))
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\n", "\u{16}\u{3}\u{1}", "PROXX", "proxy TCP4", "PROXY\tTCP4", " PROXY",
    "\r\n\r\r",
    "\r\n\r\n\u{0}\r\nQUIT\r", "\0",
  ])
  func `nothing else is taken for one`(text: String) {
    #expect(Outcome(decoding: [Array(text.utf8)]).error == .noHeader)
    #expect(Outcome(decoding: text.utf8.map { [$0] }).error == .noHeader)
  }

  @Test(arguments: [
    "", "TCP4", "TCP4 ", "TCP5 203.0.113.7 10.0.0.1 1 2", "tcp4 203.0.113.7 10.0.0.1 1 2",
    "UNKNOWNS", " UNKNOWN", "TCP4  203.0.113.7 10.0.0.1 1 2", "TCP4 203.0.113.7 10.0.0.1 1",
    "TCP4 203.0.113.7 10.0.0.1 1 2 ", "TCP4 203.0.113.7 10.0.0.1 1 2 3", "TCP4 203.0.113.7  1 2",
    "TCP4 203.0.113.07 10.0.0.1 1 2", "TCP4 203.0.113.7 10.0.0.256 1 2", "TCP4 ::1 ::1 1 2",
    "TCP6 203.0.113.7 10.0.0.1 1 2", "TCP6 ::1 10.0.0.1 1 2", "TCP6 ::1 fe80::1%1 1 2",
    "TCP4 203.0.113.7 10.0.0.1 01 2", "TCP4 203.0.113.7 10.0.0.1 1 65536",
    "TCP4 203.0.113.7 10.0.0.1 +1 2", "TCP4 203.0.113.7 10.0.0.1 -1 2",
    "TCP4 203.0.113.7 10.0.0.1 1 ", "TCP4 203.0.113.7\t10.0.0.1 1 2",
    "TCP4 203.0.113.7 10.0.0.1 1 2\n", "TCP4 203.0.113.7 10.0.0.1 1 2\r", "UNKNOWN\n",
    "UNKNOWN\rx", "UNKNOWN " + String(repeating: "f", count: 107 - 15),
  ])
  func `a line that is not exactly right is refused`(rest: String) {
    let bytes = Array("PROXY \(rest)\r\n".utf8)
    #expect(Outcome(decoding: [bytes]).error == .badLine)
    #expect(Outcome(decoding: bytes.map { [$0] }).error == .badLine)
  }

  @Test func `a line without an end is refused at its 107th byte`() {
    let bytes = Array(("PROXY UNKNOWN " + String(repeating: "f", count: 200)).utf8)
    #expect(Outcome(decoding: [Array(bytes.prefix(106))]).error == nil)
    #expect(Outcome(decoding: [Array(bytes.prefix(107))]).error == .badLine)
  }

  @Test(arguments: [
    (binary(0x11, 0x11, v4), ProxyHeaderError.unknownVersion),
    (binary(0x31, 0x11, v4), .unknownVersion),
    (binary(0x22, 0x11, v4), .unknownCommand),
    (binary(0x2F, 0x11, v4), .unknownCommand),
    (binary(0x21, 0x41, v4), .unknownFamily),
    (binary(0x21, 0x13, v4), .unknownFamily),
    (binary(0x21, 0xF1, v4), .unknownFamily),
    (binary(0x21, 0x11, Array(v4.dropLast())), .badLength),
    (binary(0x21, 0x11, []), .badLength),
    (binary(0x21, 0x21, v4), .badLength),
    (binary(0x21, 0x31, v4), .badLength),
    (binary(0x21, 0x11, v4, length: 4097), .badLength),
    (binary(0x20, 0x00, [], length: 65_535), .badLength),
  ])
  func `a block that cannot be is refused with its fixed part`(
    bytes: [UInt8], error: ProxyHeaderError
  ) {
    #expect(Outcome(decoding: [bytes]).error == error)
    #expect(Outcome(decoding: bytes.prefix(16).map { [$0] }).error == error)
  }
}
