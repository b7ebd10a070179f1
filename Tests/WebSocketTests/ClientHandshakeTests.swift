import Bytes
import HTTP1
import Testing

@testable import WebSocket

@Suite struct ClientHandshakeTests {
  private let client = ClientHandshake(
    host: "a:1", target: "/ws?user=x", subprotocols: ["chat.v1"],
    nonce: Array("the sample nonce".utf8))

  private static let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
  private static let upgrade =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n"

  /// The answer to `bytes`, cut in two at `cut`, and how many bytes it leaves.
  private func receive(
    _ text: String, cut: Int = 0
  ) -> (Result<ClientHandshake.Accepted?, ClientHandshakeError>, left: Int) {
    var client = client
    let bytes = Array(text.utf8)
    for piece in [bytes[..<cut], bytes[cut...]] {
      var offset = 0
      let result = Array(piece).withUnsafeBytes { input in
        Result { () throws(ClientHandshakeError) in try client.receive(input, at: &offset) }
      }
      if case .success(nil) = result { continue }
      return (result, piece.count - offset)
    }
    return (.success(nil), 0)
  }

  @Test func `asks for what a server accepts`() throws {
    var buffer = ByteBuffer()
    client.writeRequest(to: &buffer)
    var parser = RequestParser()
    var offset = 0
    let event = try parser.next(in: buffer.bytes, at: &offset, limits: RequestLimits())
    guard case .head(let head) = event else {
      Issue.record("no head")
      return
    }
    let server = try Handshake(head, origins: .any, subprotocols: ["chat.v1"])
    #expect(head.target.parameter("user") == "x")
    #expect(server.subprotocol == "chat.v1")
    var answer = ByteBuffer()
    server.writeResponse(to: &answer)
    let accepted = ClientHandshake.Accepted(subprotocol: "chat.v1")
    #expect(
      receive(String(decoding: answer.bytes, as: UTF8.self)).0 == .success(accepted))
  }

  @Test func `leaves the frames behind the answer, however it is cut`() {
    let text = Self.upgrade + Self.accept + "\r\n"
    for cut in 0...text.utf8.count {
      let (result, left) = receive(text + "??", cut: cut)
      #expect(result == .success(ClientHandshake.Accepted(subprotocol: nil)))
      #expect(left == (cut == text.utf8.count ? 0 : 2))
    }
  }

  @Test(
    arguments: [
      ("HTTP/1.1 403 Forbidden\r\n\r\n", .refused(statusCode: 403)),
      ("HTTP/1.1 200\r\n\r\n", .refused(statusCode: 200)),
      ("HTTP/1.1 101 OK\r\n" + accept + "\r\n", .notAnUpgrade),
      (upgrade + "\r\n", .wrongAccept),
      (upgrade + "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n", .wrongAccept),
      (upgrade + accept + accept + "\r\n", .wrongAccept),
      (upgrade + accept + "Sec-WebSocket-Protocol: x\r\n\r\n", .wrongSubprotocol),
      ("SSH-2.0-OpenSSH\r\n\r\n", .malformed), ("HTTP/1.1 1x1 OK\r\n\r\n", .malformed),
      (upgrade + "A: b\n\r\n", .malformed), (upgrade + "A : b\r\n\r\n", .malformed),
    ] as [(String, ClientHandshakeError)])
  func `refuses a wrong answer`(text: String, error: ClientHandshakeError) {
    #expect(receive(text).0 == .failure(error))
  }
}
