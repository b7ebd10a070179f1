import HTTP1
import STOMP

// Where STOMP is spoken.
extension STOMPSession {
  /// Of the WebSocket, and of SockJS below it.
  static let path = "/ws-chat"

  /// The newest first. What is spoken in the end, `CONNECT` decides.
  static let subprotocols = Version.preferred.map(\.subprotocol)

  /// Whether the channel that `request` opened speaks STOMP.
  static func serves(_ request: RequestHead) -> Bool {
    let rest = request.target.path.dropFirst(path.utf8.count)
    return request.target.path.starts(with: path.utf8)
      && (rest.isEmpty || rest.first == UInt8(ascii: "/"))
  }
}
