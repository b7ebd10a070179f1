package import HTTP1

/// What a program does with the requests and messages of one worker.
///
/// One per worker, confined to its loop. Requests come from a `ClientConnection`, messages from the
/// channel that the connection became or carries; the application answers through the one or the
/// other, and may do so later.
package protocol Application: AnyObject {
  /// How many bytes of its body a request may bring, more being answered with 413; nil when the
  /// body means nothing here and is thrown away. Asked when the head has arrived.
  func bodyBytesMax(of request: RequestHead) -> Int?

  /// A whole request. `body` is empty where `bodyBytesMax` was nil.
  func answer(_ request: RequestHead, body: [UInt8], on connection: ClientConnection) -> Answer

  /// Messages may be exchanged. `request` is the one that opened the channel.
  func opened(_ channel: Channel, request: RequestHead)

  /// A whole message. `payload` is valid during the call.
  func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, on channel: Channel)

  /// No message will come or go any more, however the channel ended. Called once for each that was
  /// opened.
  func closed(_ channel: Channel)

  /// The bytes pending for the peer went over the limit, or are all sent again.
  func congestionChanged(_ isCongested: Bool, on channel: Channel)
}

extension Application {
  package func bodyBytesMax(of request: RequestHead) -> Int? { nil }
}

/// What becomes of a request.
package enum Answer {
  case respond(Response)
  /// The application will call `ClientConnection.respond(_:)`; until then the connection's next
  /// request waits.
  case respondLater
  /// The same, by a responder that wants to know when the client goes: with `respond(_:)`, or with
  /// `beginResponse`, chunks and `endResponse`.
  case handOver(any Responder)
  /// The route is a WebSocket: the handshake's own rules decide about the rest. Its messages are
  /// the application's, or those of a SockJS session that it carries.
  case webSocket(subprotocols: [String], carrying: SockJSSocket? = nil)
}

/// Whoever answers a request bit by bit.
package protocol Responder: AnyObject {
  /// The client went before the answer was complete. Nothing more can be written.
  func aborted(_ connection: ClientConnection)
  /// The bytes pending for the client went over the limit, or are all sent again.
  func congestionChanged(_ isCongested: Bool, on connection: ClientConnection)
}

package enum MessageKind: Sendable {
  case text
  case binary
}
