package import HTTP1

/// What a program does with the requests and messages of one worker.
///
/// One per worker, confined to its loop. Calls come from `ClientConnection`; the application
/// answers through the connection it is given, and may do so later.
package protocol Application: AnyObject {
  /// A request's head has arrived. Its body, if it has one, is read and thrown away.
  func answer(_ request: RequestHead, on connection: ClientConnection) -> Answer

  /// The WebSocket handshake is done.
  func opened(_ connection: ClientConnection, request: RequestHead)

  /// A whole message. `payload` is valid during the call.
  func received(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, on connection: ClientConnection)

  /// No message will come or go any more, however the connection ended. Called once for each that
  /// was opened.
  func closed(_ connection: ClientConnection)

  /// The peer's pending bytes went over the limit, or are all sent again.
  func congestionChanged(_ isCongested: Bool, on connection: ClientConnection)
}

/// What becomes of a request.
package enum Answer {
  case respond(Response)
  /// The application will call `ClientConnection.respond(_:)`; until then the connection's next
  /// request waits.
  case respondLater
  /// The route is a WebSocket: the handshake's own rules decide about the rest.
  case webSocket(subprotocols: [String])
}

package enum MessageKind: Sendable {
  case text
  case binary
}
