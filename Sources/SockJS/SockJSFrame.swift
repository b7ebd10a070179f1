package import Bytes

/// What the server says to a client of a session.
package enum SockJSFrame {
  /// The session is there; the first frame of each.
  case open
  case heartbeat
  /// Messages, each quoted by `ByteBuffer.appendQuoted(_:)`, with a comma between two.
  case messages(UnsafeRawBufferPointer)
  case close(SockJSClose)

  /// Gives the frame's bytes piece by piece, so that a transport can escape them without a copy.
  func forEachPiece(_ use: (UnsafeRawBufferPointer) -> Void) {
    switch self {
    case .open: use(UnsafeRawBufferPointer(literal: "o"))
    case .heartbeat: use(UnsafeRawBufferPointer(literal: "h"))
    case .messages(let quoted):
      use(UnsafeRawBufferPointer(literal: "a["))
      use(quoted)
      use(UnsafeRawBufferPointer(literal: "]"))
    case .close(let close):
      var text = ByteBuffer(minimumCapacity: close.reason.utf8.count + 16)
      text.append(close)
      use(text.bytes)
    }
  }
}

extension ByteBuffer {
  /// Appends a frame as a WebSocket message carries it, without a transport's wrapping.
  package mutating func append(_ frame: SockJSFrame) {
    frame.forEachPiece { append($0) }
  }

  /// Appends a close frame.
  fileprivate mutating func append(_ close: SockJSClose) {
    append("c[")
    append(decimal: UInt64(close.code))
    append(UInt8(ascii: ","))
    var reason = close.reason
    reason.withUTF8 { appendQuoted(UnsafeRawBufferPointer($0)) }
    append(UInt8(ascii: "]"))
  }
}

extension UnsafeRawBufferPointer {
  fileprivate init(literal: StaticString) {
    self.init(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
  }
}
