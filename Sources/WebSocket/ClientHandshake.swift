package import Bytes
import HTTP1

/// Why a server's answer opens no WebSocket.
package enum ClientHandshakeError: Error, Hashable, Sendable {
  case malformed
  /// Any status but 101.
  case refused(statusCode: UInt16)
  case notAnUpgrade
  case wrongAccept
  /// One that was not offered.
  case wrongSubprotocol
}

/// A client's half of the opening handshake; RFC 6455, section 4.1.
package struct ClientHandshake: Sendable {
  /// What the server agreed to. Frames follow in the input.
  package struct Accepted: Equatable, Sendable {
    package let subprotocol: String?
  }

  private let host: String
  private let target: String
  private let subprotocols: [String]
  private let key: String
  private var parser = ResponseHeadParser()

  /// - Parameters:
  ///   - host: The server's name and port, as a URL has them.
  ///   - target: The path and query; valid and percent-encoded.
  ///   - nonce: 16 random bytes of this connection's own.
  package init(host: String, target: String, subprotocols: [String] = [], nonce: [UInt8]) {
    precondition(nonce.count == 16, "RFC 6455 wants a nonce of 16 bytes")
    self.host = host
    self.target = target
    self.subprotocols = subprotocols
    var base64 = ByteBuffer(minimumCapacity: 32)
    base64.append(base64: nonce)
    key = String(decoding: base64.bytes, as: UTF8.self)
  }

  package func writeRequest(to buffer: inout ByteBuffer) {
    buffer.append("GET ")
    buffer.append(utf8: target)
    buffer.append(" HTTP/1.1\r\n")
    buffer.append("Host", fieldValue: host)
    buffer.append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n")
    buffer.append("Sec-WebSocket-Key", fieldValue: key)
    if !subprotocols.isEmpty {
      buffer.append("Sec-WebSocket-Protocol", fieldValue: subprotocols.joined(separator: ", "))
    }
    buffer.append("\r\n")
  }

  /// Takes the server's answer out of `input` from `offset` on; nil when the input is used up.
  package mutating func receive(
    _ input: UnsafeRawBufferPointer, at offset: inout Int
  ) throws(ClientHandshakeError) -> Accepted? {
    let answer: ResponseHead?
    do {
      answer = try parser.next(in: input, at: &offset)
    } catch {
      throw .malformed
    }
    guard let answer else { return nil }
    guard answer.statusCode == 101 else { throw .refused(statusCode: answer.statusCode) }
    guard answer.headers.lists("websocket", in: "upgrade"),
      answer.headers.lists("upgrade", in: "connection")
    else { throw .notAnUpgrade }
    guard answer.headers.only("sec-websocket-accept") == acceptValue(forKey: key) else {
      throw .wrongAccept
    }
    let chosen = answer.headers["sec-websocket-protocol"]
    guard chosen.map(subprotocols.contains) ?? true else { throw .wrongSubprotocol }
    return Accepted(subprotocol: chosen)
  }
}
