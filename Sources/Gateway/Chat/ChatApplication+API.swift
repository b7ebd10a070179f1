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
    if ChatRoute.isSpringAPI(request) { return answerSpring(request, body: body, on: connection) }
    switch APIRequest(request, body: body) {
    case .notFound: return nil
    case .methodNotAllowed(let allowed):
      return .respond(
        .plain(.methodNotAllowed, fields: [ResponseField("Allow", allowed.allow)]))
    case .malformed(let message): return .respond(.json(.badRequest, message))
    case .frame(let frame, let status):
      guard !isStopped, let user = ChatRoute.caller(of: request) else {
        return .respond(.json(.unauthorized, "say who you are: a token, or ?user="))
      }
      do throws(CommandError) {
        let command = try frame.withUnsafeBufferPointer { (frame) throws(CommandError) in
          try Command.decode(UnsafeRawBufferPointer(frame), names: &names)
        }
        return .handOver(ask(command, as: user, status, nil, on: connection))
      } catch {
        return .respond(.json(error.code, error.message))
      }
    }
  }

  /// The same in Spring's convention. It has no form for a bad method: that is not found.
  private func answerSpring(
    _ request: RequestHead, body: [UInt8], on connection: ClientConnection
  ) -> Answer? {
    guard let path = request.target.decodedPath, request.method == .post || request.method == .get
    else { return nil }
    guard !isStopped, let user = ChatRoute.caller(of: request) else {
      return .respond(.spring(.unauthorized, "say who you are: a token, or ?user="))
    }
    let segments = path.dropFirst(ChatRoute.springPrefix.count)
      .split(separator: "/", omittingEmptySubsequences: false)
    do throws(CommandError) {
      let asked = try body.withUnsafeBufferPointer { (body) throws(CommandError) in
        try SpringRequest(
          segments, isPost: request.method == .post, by: user, body: UnsafeRawBufferPointer(body),
          parameter: request.target.parameter)
      }
      guard let asked else { return nil }
      return .handOver(
        ask(asked.command, as: user, asked.isMaking ? .created : .ok, asked.answer, on: connection))
    } catch {
      return .respond(.spring(error.code, error.message))
    }
  }

  private func ask(
    _ command: Command, as user: UserID, _ status: Status, _ form: SpringAnswer?,
    on connection: ClientConnection
  ) -> APIExchange {
    advance()
    let exchange = APIExchange(on: connection, status: status, form: form, loop: loop) {
      [unowned self] in
      advance()
      hub.closed($0.sessionID)
    }
    hub.asked(command, by: user, exchange.sessionID)
    return exchange
  }
}
