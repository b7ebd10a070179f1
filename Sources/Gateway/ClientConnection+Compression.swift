import Reactor
import WebSocket

// The connection's messages where they may be compressed (RFC 7692).
extension ClientConnection {
  func startCompression(_ parameters: DeflateParameters) {
    deflate = worker.compression?.session(parameters)
    decoder = MessageDecoder(role: .server, takesDeflated: true)
  }

  func receivedDeflated(
    _ payload: UnsafeRawBufferPointer, isText: Bool
  ) throws(ProtocolError) {
    guard let deflate, let contexts = worker.compression else { return }
    try contexts.inflate(payload, isText: isText, limits: worker.limits.message, for: deflate) {
      worker.application.received(isText ? .text : .binary, $0, on: self)
    }
  }

  /// False where the message should go as it is.
  func sendDeflated(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Bool {
    guard let deflate, let contexts = worker.compression else { return false }
    return contexts.deflate(payload, for: deflate) { deflated in
      socket.write { $0.appendDeflatedFrame(kind == .text ? .text : .binary, deflated) }
    }
  }
}
