package import Bytes

/// A request whose response carries frames to the client.
package enum SockJSReceiver: Hashable, Sendable {
  case xhr
  case xhrStreaming
  case eventSource
  case htmlFile(SockJSCallback)
  case jsonp(SockJSCallback)

  package var transport: SockJSTransport {
    switch self {
    case .xhr: .xhr
    case .xhrStreaming: .xhrStreaming
    case .eventSource: .eventSource
    case .htmlFile: .htmlFile
    case .jsonp: .jsonp
    }
  }

  /// Whether the response goes on behind its first frame.
  package var isStreaming: Bool { transport.isStreaming }

  /// Appends what a response begins with, nothing for those that carry one frame.
  ///
  /// Not counted towards the response limit. It must be an HTTP chunk of its own, as each frame.
  package func appendPrelude(to buffer: inout ByteBuffer) {
  }

  /// Appends one frame as this transport writes it.
  package func append(_ frame: SockJSFrame, to buffer: inout ByteBuffer) {
  }
}
