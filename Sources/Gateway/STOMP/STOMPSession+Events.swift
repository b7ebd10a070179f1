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
    case .message(let message, conversation: _):
      // What is live is among the missed messages too.
      if !isResuming { deliver(forms.json(of: message), to: SpringDestination.messages) }
    case .error(let id, let code, let message, let retryAfterMilliseconds):
      refused(id, code, message, retryAfterMilliseconds)
    case .gap(let conversation, let after, let before):
      let json = [UInt8](encoding: {
        SpringMessage.encodeGap(in: conversation, after: after, before: before, into: &$0)
      })
      deliver(json, to: SpringDestination.errors)
    case .reconnect:
      // The close that follows says it all.
      break
    case .page, .conversations, .pong:
      // The answers to what no frame asks.
      break
    }
  }

  private func receivedReady(_ ready: Event.Ready) {
    guard isReady else {
      isReady = true
      transmit {
        $0.append(
          Connected(
            version: session.version,
            heartBeat: session.version == .v10 ? .none : Self.limits.heartBeat,
            session: ready.session, user: ready.user.name))
      }
      startHeartBeats()
      return
    }
    isResuming = false
    if case .resume(let receipt) = ready.id.flatMap(RequestTag.init) { sendReceipt(receipt) }
  }

  /// A message of the client's is stored. It comes back in its place among those of others, as is
  /// usual in Spring's convention: the page shows what the server sends it.
  private func acknowledged(_ ack: Event.Ack) {
    answered(ack.id.flatMap(RequestTag.init), isStored: true)
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
    answered(tag, isStored: false)
  }

  private func receipt(of tag: RequestTag?) -> String? {
    switch tag {
    case .send(let receipt), .resume(let receipt), .other(let receipt): receipt
    case .commit(let number): commits.first { $0.number == number }?.receipt
    case nil: nil
    }
  }

  private func answered(_ tag: RequestTag?, isStored: Bool) {
    switch tag {
    case .send(let receipt):
      sendsUnderWay -= 1
      if isStored { sendReceipt(receipt) }
    case .commit(let number):
      sendsUnderWay -= 1
      answered(commit: number, isStored: isStored)
    case .resume:
      isResuming = false
    case .other, nil:
      break
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
