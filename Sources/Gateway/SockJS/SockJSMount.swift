import HTTP1
package import SockJS

/// A SockJS service at a path of the application's.
package struct SockJSMount: Sendable {
  /// Begins with a slash and does not end with one.
  package let prefix: String
  package var service: SockJSService
  /// What a WebSocket below the prefix may speak.
  package var subprotocols: [String]
  /// Whether a WebSocket handshake at the prefix itself is served too, without SockJS' frames.
  package var hasSocketAtPrefix: Bool

  package init(
    prefix: String, service: SockJSService, subprotocols: [String] = [],
    hasSocketAtPrefix: Bool = false
  ) {
    self.prefix = prefix
    self.service = service
    self.subprotocols = subprotocols
    self.hasSocketAtPrefix = hasSocketAtPrefix
  }

  /// What follows the prefix; nil for a path that is not the service's.
  func suffix(of request: RequestHead) -> ArraySlice<UInt8>? {
    let path = request.target.path
    guard path.starts(with: prefix.utf8) else { return nil }
    let suffix = path.dropFirst(prefix.utf8.count)
    return suffix.isEmpty || suffix.first == UInt8(ascii: "/") ? suffix : nil
  }

  func isSocketAtPrefix(_ request: RequestHead, _ suffix: ArraySlice<UInt8>) -> Bool {
    hasSocketAtPrefix && suffix.isEmpty && request.headers.lists("websocket", in: "upgrade")
  }
}
