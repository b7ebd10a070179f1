package import Bytes
package import HTTP1

/// Why an upgrade is refused, never with 101.
package enum HandshakeError: Error, Hashable, Sendable {
  case methodNotAllowed
  case notAnUpgrade
  case badKey
  case unsupportedVersion
  case forbiddenOrigin

  package var status: Status {
    switch self {
    case .methodNotAllowed: .methodNotAllowed
    case .notAnUpgrade, .badKey: .badRequest
    case .unsupportedVersion: .upgradeRequired
    case .forbiddenOrigin: .forbidden
    }
  }

  /// What the response says besides its status.
  package var fields: [ResponseField] {
    switch self {
    case .methodNotAllowed: [ResponseField("Allow", "GET")]
    case .unsupportedVersion:
      [
        ResponseField("Upgrade", "websocket"), ResponseField("Connection", "Upgrade"),
        ResponseField("Sec-WebSocket-Version", "13"),
      ]
    case .notAnUpgrade, .badKey, .forbiddenOrigin: []
    }
  }
}

/// A server's half of the opening handshake; RFC 6455, section 4.2.
package struct Handshake: Sendable {
  private let key: String
  /// The first of the server's subprotocols that the client speaks: the client's own order may be
  /// from the oldest on.
  package let subprotocol: String?
  /// What was agreed on, if messages may be compressed.
  package let compression: DeflateParameters?

  /// Checks an upgrade request.
  ///
  /// - Parameter compression: How messages may be compressed; nil: not at all.
  package init(
    _ head: RequestHead, origins: OriginPolicy, subprotocols: [String] = [],
    compression: CompressionPolicy? = nil
  ) throws(HandshakeError) {
    guard head.method == .get else { throw .methodNotAllowed }
    guard head.version == .http11, head.bodyFraming == .none,
      head.headers.lists("websocket", in: "upgrade"),
      head.headers.lists("upgrade", in: "connection")
    else { throw .notAnUpgrade }
    guard head.headers.only("sec-websocket-version") == "13" else { throw .unsupportedVersion }
    guard let key = head.headers.only("sec-websocket-key"), Self.isKey(key) else {
      throw .badKey
    }
    guard origins.allows(head) else { throw .forbiddenOrigin }
    self.key = key
    let offered = head.headers.elements("sec-websocket-protocol")
    subprotocol = subprotocols.first { name in
      offered.contains { $0.elementsEqual(name.utf8) }
    }
    self.compression = compression.flatMap {
      DeflateParameters(offers: DeflateOffer.all(in: head.headers), policy: $0)
    }
  }

  /// Writes the response behind which both sides speak WebSocket.
  package func writeResponse(to buffer: inout ByteBuffer) {
    buffer.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")
    buffer.append("Connection: Upgrade\r\n")
    buffer.append("Sec-WebSocket-Accept", fieldValue: acceptValue(forKey: key))
    if let subprotocol {
      buffer.append("Sec-WebSocket-Protocol", fieldValue: subprotocol)
    }
    if let compression {
      buffer.append("Sec-WebSocket-Extensions", fieldValue: compression.fieldValue)
    }
    buffer.append("\r\n")
  }

  /// Whether `text` is the base64 of 16 bytes.
  private static func isKey(_ text: String) -> Bool {
    text.utf8.count == 24 && text.utf8.suffix(2).elementsEqual("==".utf8)
      && text.utf8.dropLast(2).allSatisfy { byte in
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "+")
          || byte == UInt8(ascii: "/")
      }
  }
}
