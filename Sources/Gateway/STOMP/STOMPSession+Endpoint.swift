import HTTP1
import STOMP

// Where STOMP is spoken.
extension STOMPSession {
  static let path: StaticString = "/ws-chat"

  /// Whether the channel that `request` opened speaks STOMP: the path is the endpoint's or one
  /// below it, such as those of SockJS.
  static func serves(_ request: RequestHead) -> Bool {
    let path = Self.path.withUTF8Buffer { Array($0) }
    let rest = request.target.path.dropFirst(path.count)
    return request.target.path.starts(with: path)
      && (rest.isEmpty || rest.first == UInt8(ascii: "/"))
  }

  /// The newest of the client's subprotocols; none if it has none of ours.
  ///
  /// Clients list them in an order of their own, some with the oldest first. What is spoken in the
  /// end, `CONNECT` decides.
  static func subprotocols(for request: RequestHead) -> [String] {
    let offered = request.headers.elements("sec-websocket-protocol")
    let newest = Version.preferred.first { version in
      offered.contains { $0.elementsEqual(version.subprotocol.utf8) }
    }
    return newest.map { [$0.subprotocol] } ?? []
  }
}
