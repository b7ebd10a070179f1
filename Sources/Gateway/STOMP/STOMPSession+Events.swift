import Bytes
import ChatProtocol
import STOMP
import WebSocket

// The hub's events, as frames.
extension STOMPSession {
  func handle(_ event: borrowing Event, _ forms: inout EventForms) {
    switch event {
    case .ready(let ready):
      receivedReady(ready)
    case .ack(let ack):
      acknowledged(ack)
    case .message(let message, let conversation):
      if let json = forms.json(of: message) {
        deliver(json, to: Self.destination(of: conversation))
      }
    case .error(let id, let code, let message, let retryAfterMilliseconds):
      refused(id, code, message, retryAfterMilliseconds)
    case .gap(let conversation, let after, let before, let cause):
      leftOut(in: conversation, after: after, before: before, cause)
    case .reconnect:
      // The close that follows says it all.
      break
    case .done(let id):
      answered(id.flatMap(RequestTag.init), isDone: true)
    case .typing(let conversation, let user):
      deliver(about: conversation) {
        SpringSignal.encodeTyping(in: conversation, by: user, to: $0, into: &$1)
      }
    case .receipt(let conversation, let user, let marks):
      deliver(about: conversation) {
        SpringSignal.encodeRead(in: conversation, by: user, to: $0, marks, into: &$1)
      }
    case .page, .conversations, .pong, .members, .watching, .presence:
      // The answers to what no frame asks, and what nobody subscribes to.
      break
    }
  }

  private static func destination(of conversation: Address) -> String {
    switch conversation {
    case .user: SpringDestination.messages
    case .room(let name): SpringDestination.room(name)
    }
  }

  private func deliver(
    about conversation: Address, _ encode: (UserID, inout ByteBuffer) -> Void
  ) {
    guard let user, session.isSubscribed(to: Self.destination(of: conversation)) else { return }
    deliver(
      [UInt8](encoding: { encode(user, &$0) }), to: Self.destination(of: conversation))
  }

  private func receivedReady(_ ready: Event.Ready) {
    guard isReady else {
      user = ready.user
      becomeReady(
        Connected(
          version: session.version,
          heartBeat: session.version == .v10 ? .none : Self.limits.heartBeat,
          session: ready.session, user: ready.user.name))
      return
    }
    answered(ready.id.flatMap(RequestTag.init), isDone: true)
  }

  /// A client that is not told of a gap goes on as if there was none. So one that would see what is
  /// behind it, and does not listen for errors, has to come back for what is missing. What was
  /// removed, or written while it was not in the room, would be missing again.
  private func leftOut(
    in conversation: Address, after: UInt64, before: UInt64, _ cause: GapCause
  ) {
    if session.isSubscribed(to: SpringDestination.errors) {
      let json = [UInt8](encoding: {
        SpringMessage.encodeGap(in: conversation, after: after, before: before, into: &$0)
      })
      deliver(json, to: SpringDestination.errors)
    } else if cause == .overflow, session.isSubscribed(to: Self.destination(of: conversation)) {
      fail(
        "messages were left out, which \(SpringDestination.errors) would have told",
        receipt: nil, .slowConsumer)
    }
  }

  /// A message of the client's is stored. It comes back in its place among those of others, as is
  /// usual in Spring's convention: the page shows what the server sends it.
  private func acknowledged(_ ack: Event.Ack) {
    answered(ack.id.flatMap(RequestTag.init), isDone: true)
  }

  private func refused(
    _ id: RequestID?, _ code: ErrorCode, _ message: String, _ retryAfterMilliseconds: Int?
  ) {
    guard isReady || id != nil else {
      // Of the hello; the hub closes behind it.
      return fail(message, receipt: nil, code == .unauthorized ? .unauthorized : .overloaded)
    }
    let tag = id.flatMap(RequestTag.init)
    tell(code, message, retryAfterMilliseconds, receipt: receipt(of: tag))
    answered(tag, isDone: false)
  }

  private func receipt(of tag: RequestTag?) -> String? {
    switch tag {
    case .send(let receipt), .resume(_, let receipt), .other(let receipt): receipt
    case .commit(let number): commits.first { $0.number == number }?.receipt
    case nil: nil
    }
  }

  func answered(_ tag: RequestTag?, isDone: Bool) {
    guard let tag else { return }
    requestsUnderWay -= 1
    switch tag {
    case .send(let receipt), .other(let receipt):
      if isDone { sendReceipt(receipt) }
    case .commit(let number):
      answered(commit: number, isStored: isDone)
    case .resume(let number, let receipt):
      // Refused only by a hub that closes the session.
      if isDone {
        session.releaseSubscription(number)
        sendReceipt(receipt)
      }
    }
    leaveIfDone()
  }

  private func answered(commit number: UInt64, isStored: Bool) {
    guard let index = commits.firstIndex(where: { $0.number == number }) else { return }
    commits[index].due -= 1
    if !isStored { commits[index].hasFailed = true }
    guard commits[index].due == 0 else { return }
    let commit = commits.remove(at: index)
    if !commit.hasFailed { sendReceipt(commit.receipt) }
  }

  // MARK: Messages out

  /// Tells of what the client asked for and does not get.
  ///
  /// Clients of Spring listen for that at a destination of their own, and go on. One that does not
  /// listen, and asked for a receipt, gets what STOMP has for it: `ERROR` and the end.
  func tell(
    _ code: ErrorCode, _ message: String, _ retryAfterMilliseconds: Int? = nil, receipt: String?
  ) {
    if session.isSubscribed(to: SpringDestination.errors) {
      let json = [UInt8](encoding: {
        SpringMessage.encode(
          code, message, retryAfterMilliseconds: retryAfterMilliseconds, into: &$0)
      })
      deliver(json, to: SpringDestination.errors, receipt: receipt)
    } else if receipt != nil {
      fail(message, receipt: receipt, code.isRetryable ? .overloaded : .badProtocol)
    }
  }

  private func deliver(_ json: [UInt8], to destination: String, receipt: String? = nil) {
    guard hasRoomInTurn else {
      fail("more at once than can be sent", receipt: nil, .slowConsumer)
      return
    }
    let version = session.version
    do throws(SessionError) {
      try session.deliver(to: destination) { delivery in
        json.withUnsafeBytes { json in
          transmit { $0.appendMessage(delivery, receipt: receipt, json: json, version) }
        }
      }
    } catch {
      fail(error.message, receipt: nil, .slowConsumer)
    }
  }
}

extension CloseCode {
  static var badProtocol: CloseCode { CloseCode(ChatCloseCode.badProtocol.rawValue) }
  static var unauthorized: CloseCode { CloseCode(ChatCloseCode.unauthorized.rawValue) }
  static var overloaded: CloseCode { CloseCode(ChatCloseCode.overloaded.rawValue) }
  static var slowConsumer: CloseCode { CloseCode(ChatCloseCode.slowConsumer.rawValue) }
  static var pingTimeout: CloseCode { CloseCode(ChatCloseCode.pingTimeout.rawValue) }
}
