package import Bytes

/// What the server says to a client of a session.
package enum SockJSFrame {
  /// The session is there; the first frame of each.
  case open
  case heartbeat
  /// Messages, each quoted by `ByteBuffer.appendQuoted(_:)`, with a comma between two.
  case messages(UnsafeRawBufferPointer)
  case close(SockJSClose)
}

extension ByteBuffer {
  /// Appends a frame as a WebSocket message carries it, without a transport's wrapping.
  package mutating func append(_ frame: SockJSFrame) {
    switch frame {
    case .open: append(UInt8(ascii: "o"))
    case .heartbeat: append(UInt8(ascii: "h"))
    case .messages(let quoted):
      append("a[")
      append(quoted)
      append(UInt8(ascii: "]"))
    case .close(let close):
      append("c[")
      append(decimal: UInt64(close.code))
      append(UInt8(ascii: ","))
      var reason = close.reason
      reason.withUTF8 { appendQuoted(UnsafeRawBufferPointer($0)) }
      append(UInt8(ascii: "]"))
    }
  }
}
