import Bytes
import HTTP1
import Testing

@testable import WebSocket

@Suite struct HandshakeTests {
  static let request: [String: String] = [
    "Host": "chat.example.com", "Upgrade": "websocket", "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
  ]

  static func head(
    _ changes: [String: String?] = [:], line: String = "GET /ws HTTP/1.1", more: String = ""
  ) throws -> RequestHead {
    var fields = request
    for (name, value) in changes { fields[name] = value }
    let lines = fields.map { "\($0): \($1)\r\n" }.joined() + more
    return try Array("\(line)\r\n\(lines)\r\n".utf8).withUnsafeBytes { input in
      var parser = RequestParser()
      var offset = 0
      let event = try parser.next(in: input, at: &offset, limits: RequestLimits())
      guard case .head(let head) = event else { throw ProtocolError.outOfOrder }
      return head
    }
  }

  /// The error of a handshake; nil when it is accepted.
  private func error(
    _ head: RequestHead, _ origins: OriginPolicy = .any
  ) -> HandshakeError? {
    do throws(HandshakeError) {
      _ = try Handshake(head, origins: origins)
      return nil
    } catch {
      return error
    }
  }

  @Test func `answers the example of RFC 6455`() throws {
    let handshake = try Handshake(
      Self.head(["Sec-WebSocket-Protocol": "x, chat.v1, v2"]), origins: .any,
      subprotocols: ["chat.v1", "v2"])
    var buffer = ByteBuffer()
    handshake.writeResponse(to: &buffer)
    #expect(
      String(decoding: buffer.bytes, as: UTF8.self)
        == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        + "Sec-WebSocket-Protocol: chat.v1\r\n\r\n")
  }

  @Test(
    arguments: [
      (["Upgrade": nil], .notAnUpgrade), (["Upgrade": "h2c"], .notAnUpgrade),
      (["Upgrade": "websockets"], .notAnUpgrade), (["Connection": nil], .notAnUpgrade),
      (["Connection": "keep-alive"], .notAnUpgrade), (["Content-Length": "3"], .notAnUpgrade),
      (["Sec-WebSocket-Key": nil], .badKey), (["Sec-WebSocket-Key": ""], .badKey),
      (["Sec-WebSocket-Key": "c2hvcnQ="], .badKey),
      (["Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZSE="], .badKey),
      (["Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j*Q=="], .badKey),
      (["Sec-WebSocket-Version": nil], .unsupportedVersion),
      (["Sec-WebSocket-Version": "8"], .unsupportedVersion),
      (["Sec-WebSocket-Version": "13, 8"], .unsupportedVersion),
      (["Upgrade": "h2c, WebSocket"], nil), (["Connection": "keep-alive, upgrade"], nil),
      (["Sec-WebSocket-Key": "+/AAAAAAAAAAAAAAAAAAAA=="], nil),
    ] as [([String: String?], HandshakeError?)])
  func `accepts only a complete upgrade`(
    changes: [String: String?], refusal: HandshakeError?
  ) throws {
    #expect(try error(Self.head(changes)) == refusal)
  }

  @Test func `accepts only GET over HTTP 1.1 and one key`() throws {
    #expect(try error(Self.head(line: "POST /ws HTTP/1.1")) == .methodNotAllowed)
    #expect(try error(Self.head(line: "GET /ws HTTP/1.0")) == .notAnUpgrade)
    let second = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    #expect(try error(Self.head(more: second)) == .badKey)
  }

  @Test func `says which version it speaks`() {
    let fields = HandshakeError.unsupportedVersion.fields
    #expect(HandshakeError.unsupportedVersion.status == .upgradeRequired)
    #expect(fields.contains { "\($0.name)" == "Sec-WebSocket-Version" && $0.value == "13" })
  }

  @Test(arguments: [
    ("https://chat.example.com", true), ("https://chat.example.com:443", true),
    ("HTTPS://Chat.Example.Com", true), ("http://localhost:8080", true), ("http://[::1]:80", true),
    ("http://[::1]", true), ("null", false), ("", false), ("http://chat.example.com", false),
    ("https://chat.example.com:8443", false), ("https://chat.example.com.evil.com", false),
    ("https://evil-chat.example.com", false), ("https://evil.com/chat.example.com", false),
    ("https://chat.example.com@evil.com", false), ("https://chat.example.com, x", false),
    ("http://localhost", false), ("http://localhost:08080x", false), ("http://localhost:", false),
    ("https://chat.example.com:99999", false), ("://", false), ("https://", false),
    ("https://chat.example.com:+443", false),
  ])
  func `compares scheme, host and port of an origin`(text: String, isAllowed: Bool) throws {
    let allowed = ["https://chat.example.com", "http://localhost:8080", "http://[::1]"]
      .compactMap(Origin.init)
    let policy = OriginPolicy.only(Set(allowed))
    #expect(try error(Self.head(["Origin": text]), policy) == (isAllowed ? nil : .forbiddenOrigin))
    #expect(try error(Self.head(["Origin": text]), .any) == nil)
  }

  @Test func `lets programs in, which have no origin, and refuses two origins`() throws {
    let policy = OriginPolicy.only(Set(["https://a.example"].compactMap(Origin.init)))
    #expect(try error(Self.head(), policy) == nil)
    let twice = "Origin: https://a.example\r\nOrigin: https://a.example\r\n"
    #expect(try error(Self.head(more: twice), policy) == .forbiddenOrigin)
  }
}
