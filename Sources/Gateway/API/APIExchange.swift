import ChatCore
import ChatProtocol
import HTTP1
import Reactor
import WebSocket

/// A request of the REST interface on its way to the hub and back: a session of one command, whose one
/// answer is the response.
///
/// The response is the answer of chat.v1, in the form that the route has.
final class APIExchange: Channel, Responder {
  private let loop: EventLoop
  private let status: Status
  private let form: APIAnswer
  private let ended: (APIExchange) -> Void
  private var ownToken = Token(index: 0, generation: 0)
  /// Until it is answered or gone.
  private var connection: ClientConnection?

  /// - Parameter ended: the hub may forget the session.
  init(
    on connection: ClientConnection, status: Status, form: APIAnswer, loop: EventLoop,
    ended: @escaping (APIExchange) -> Void
  ) {
    self.connection = connection
    self.status = status
    self.form = form
    self.loop = loop
    self.ended = ended
    super.init()
    ownToken = loop.add(self)
  }

  override var token: Token { ownToken }

  // MARK: As the hub's channel

  override func send(_ event: borrowing Event, _ forms: inout EventForms) {
    guard let connection = connection.take() else { return }
    let json = [UInt8](encoding: { form.encode(event, into: &$0) })
    connection.respond(
      Response(
        Self.status(of: event) ?? status, fields: Self.fields(of: event),
        contentType: "application/json", String(decoding: json, as: UTF8.self)))
    leave()
  }

  override func close(_ code: CloseCode, reason: String) {
    connection.take()?.respond(.plain(.serviceUnavailable))
    leave()
  }

  private func leave() {
    loop.remove(ownToken)
    ended(self)
  }

  private static func status(of event: borrowing Event) -> Status? {
    switch event {
    case .error(_, let code, message: _, retryAfterMilliseconds: _): Status(code)
    default: nil
    }
  }

  private static func fields(of event: borrowing Event) -> [ResponseField] {
    let common = [
      ResponseField("Cache-Control", "no-store"),
      ResponseField("X-Content-Type-Options", "nosniff"),
    ]
    switch event {
    case .error(_, _, message: _, let milliseconds?):
      return common + [ResponseField("Retry-After", "\((milliseconds + 999) / 1000)")]
    default:
      return common
    }
  }

  // MARK: As the connection's responder

  func aborted(_ connection: ClientConnection) {
    guard self.connection.take() != nil else { return }
    leave()
  }

  func congestionChanged(_ isCongested: Bool, on connection: ClientConnection) {}
}

extension Status {
  /// What an error of chat.v1 is in HTTP.
  init(_ code: ErrorCode) {
    self =
      switch code {
      case .badRequest: .badRequest
      case .unauthorized: .unauthorized
      case .forbidden: .forbidden
      case .notFound: .notFound
      case .conflict: .conflict
      case .tooLarge: .contentTooLarge
      case .rateLimited: .tooManyRequests
      case .unsupported: .notImplemented
      case .unavailable: .serviceUnavailable
      case .internal: .internalServerError
      }
  }
}
