package import Bytes
import Glibc

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
    switch self {
    case .xhr, .jsonp: break
    // Some browsers show a script nothing of a response before its second kilobyte.
    case .xhrStreaming:
      buffer.append(repeating: UInt8(ascii: "h"), count: 2048)
      buffer.append(ASCII.lineFeed)
    case .eventSource: buffer.append("\r\n")
    case .htmlFile(let callback): appendPage(calling: callback, to: &buffer)
    }
  }

  /// Appends one frame as this transport writes it.
  package func append(_ frame: SockJSFrame, to buffer: inout ByteBuffer) {
    switch self {
    case .xhr, .xhrStreaming:
      buffer.append(frame)
      buffer.append(ASCII.lineFeed)
    case .eventSource:
      buffer.append("data: ")
      frame.forEachPiece { buffer.appendForDecodeURI($0) }
      buffer.append("\r\n\r\n")
    case .htmlFile:
      buffer.append("<script>\np(\"")
      frame.forEachPiece { buffer.appendEscaped($0, escapesMarkup: true) }
      buffer.append("\");\n</script>\r\n")
    case .jsonp(let callback):
      // The comment keeps a callback's name from being the first bytes of the file: those can be
      // made to mean something to a plug-in that is given the response.
      buffer.append("/**/")
      buffer.append(utf8: callback.name)
      buffer.append("(\"")
      frame.forEachPiece { buffer.appendEscaped($0, escapesMarkup: true) }
      buffer.append("\");\r\n")
    }
  }

  /// The page that frames are added to, of more than a kilobyte for the same reason as above.
  private func appendPage(calling callback: SockJSCallback, to buffer: inout ByteBuffer) {
    let start = buffer.count
    buffer.append(
      """
      <!doctype html>
      <html><head>
        <meta http-equiv="X-UA-Compatible" content="IE=edge" />
        <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
      </head><body><h2>Don't panic!</h2>
        <script>
          document.domain = document.domain;
          var c = parent.
      """)
    buffer.append(utf8: callback.name)
    buffer.append(
      """
      ;
          c.start();
          function p(d) {c.message(d);};
          window.onload = function() {c.stop();};
        </script>
      """)
    let length = buffer.count - start
    buffer.append(repeating: ASCII.space, count: max(0, Self.pageBytesMin - length))
    buffer.append("\r\n\r\n")
  }

  private static let pageBytesMin = 1024
}

extension ByteBuffer {
  fileprivate mutating func append(repeating byte: UInt8, count: Int) {
    appendUninitialized(count) { _ = memset($0, Int32(byte), count) }
  }

  /// Appends a piece of a frame for a client that passes it through `decodeURI`, which takes `%`
  /// for the begin of an escape. Frames hold no line breaks, which would end the event.
  fileprivate mutating func appendForDecodeURI(_ text: UnsafeRawBufferPointer) {
    var plainStart = 0
    for at in 0..<text.count where text[at] == UInt8(ascii: "%") {
      append(UnsafeRawBufferPointer(rebasing: text[plainStart..<at]))
      append("%25")
      plainStart = at + 1
    }
    append(UnsafeRawBufferPointer(rebasing: text[plainStart...]))
  }
}
