import ChatCore
import ChatProtocol
import HTTP1

// The REST interface: a request is a command of a session that has no other.

extension ChatApplication {
  /// Nil for what is not of the REST interface.
  func answerAPI(
    _ request: RequestHead, body: [UInt8], on connection: ClientConnection
  ) -> Answer? {
    guard ChatRoute.isAPI(request) else { return nil }
    let isSpring = ChatRoute.isSpringAPI(request)
    func refuse(_ code: ErrorCode, _ message: String) -> Answer {
      .respond(isSpring ? .spring(code, message) : .json(code, message))
    }
    switch APIRequest(request, body: body) {
    case .notFound: return nil
    case .methodNotAllowed(let allowed):
      return .respond(
        .plain(.methodNotAllowed, fields: [ResponseField("Allow", allowed.allow)]))
    case .malformed(let message): return refuse(.badRequest, message)
    case .frame(let frame):
      if isStopped { return refuse(.unavailable, "the node is stopping") }
      guard let user = ChatRoute.caller(of: request) else {
        return refuse(.unauthorized, "say who you are: a token, or ?user=")
      }
      if let owner = frame.owner, UserID(written: owner) != user {
        return refuse(.forbidden, "these are another's")
      }
      do throws(CommandError) {
        let command = try frame.json.withUnsafeBufferPointer { (json) throws(CommandError) in
          try Command.decode(UnsafeRawBufferPointer(json), names: &names)
        }
        return .handOver(ask(command, as: user, frame, on: connection))
      } catch {
        return refuse(error.code, error.message)
      }
    }
  }

  private func ask(
    _ command: Command, as user: UserID, _ frame: APIFrame, on connection: ClientConnection
  ) -> APIExchange {
    advance()
    let exchange = APIExchange(
      on: connection, status: frame.status,
      form: APIAnswer(frame.form, to: command), loop: loop
    ) { [unowned self] in
      advance()
      hub.closed($0.sessionID)
    }
    hub.asked(command, by: user, exchange.sessionID)
    return exchange
  }
}
