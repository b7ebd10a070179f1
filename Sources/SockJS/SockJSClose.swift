/// Why a session ended, as the client reads it in the frame `c[code,"reason"]`.
///
/// The codes are those of WebSocket (RFC 6455, section 7.4) and the application's own.
package struct SockJSClose: Hashable, Sendable {
  package let code: UInt16
  package let reason: String

  package init(_ code: UInt16, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  /// To a receiver that comes while the session has another; the first one goes on.
  package static let anotherConnection = SockJSClose(2010, "Another connection still open")
  /// The receiver's connection broke, and frames with it perhaps.
  package static let interrupted = SockJSClose(1002, "Connection interrupted")
  /// What the service `/close` of the protocol's tests says.
  package static let goAway = SockJSClose(3000, "Go away!")
}
