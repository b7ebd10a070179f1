import ChatProtocol

// A send: to the store, and once committed, back as `ack` and out as `msg`.

/// A send between its arrival and the store's answer.
struct PendingSend {
  let session: Session
  let other: UserID
  let draft: Draft
  let receivedAt: Int64

  /// Of the direct conversation, each once.
  var members: [UserID] { draft.sender == other ? [other] : [draft.sender, other] }

  var id: RequestID? { draft.content.requestID }
}

extension Hub {
  func send(_ send: Command.Send, _ session: Session, _ user: User) {
    counters.sendsReceived += 1
    if let milliseconds = refusal(session) {
      refuse(session, send.id, retryAfter: milliseconds)
      return
    }
    guard case .user(let other) = send.to else {
      fail(session, send.id, .notFound, "no such conversation")
      return
    }
    let draft = Draft(
      conversation: ConversationID(direct: user.id, other), sender: user.id,
      content: send.content, replyTo: send.replyTo, timestamp: wall)
    session.sendsInFlight += 1
    counters.appendsInFlight += 1
    let token = appends.insert(
      PendingSend(session: session, other: other, draft: draft, receivedAt: now))
    effects.store.append(StoreRequest(token: token, operation: .append(draft)))
  }

  func appended(_ send: PendingSend, _ result: StoreReply.Result) {
    let session = send.session
    session.sendsInFlight -= 1
    counters.appendsInFlight -= 1
    switch result {
    case .appended(let sequence, let timestamp, let isDuplicate):
      committed(send, sequence, timestamp, isDuplicate)
    case .conflict:
      counters.conflicts += 1
      answer(session, send.id, .conflict, "this cid was used for another message")
    case .unavailable, .conversations, .messages:
      counters.unavailable += 1
      answer(session, send.id, .unavailable, "the store is out of reach")
    }
    if !session.deferred.isEmpty { runDeferred(session) }
    if !stalled.isEmpty { runStalled() }
  }

  private func committed(
    _ send: PendingSend, _ sequence: UInt64, _ timestamp: Timestamp, _ isDuplicate: Bool
  ) {
    let session = send.session
    let draft = send.draft
    if session.isOpen, !session.wantsOwn {
      acknowledge(send, sequence, timestamp, isDuplicate)
      noteAck(of: sequence, in: draft.conversation, to: session)
    }
    counters.acked += 1
    counters.sendToAck.record(nanoseconds: UInt64(max(now - send.receivedAt, 0)))
    if isDuplicate { counters.duplicates += 1 }
    let message = Message(
      conversation: draft.conversation, sequence: sequence, sender: draft.sender,
      content: draft.content, timestamp: timestamp, replyTo: draft.replyTo)
    // A duplicate goes out again: the node that stored it first may have died before it could
    // tell anyone. Whoever has it drops it by its number.
    if let user = session.user ?? users[draft.sender] {
      accept(message, for: user, origin: session.id)
    }
    if draft.sender != send.other, let user = users[send.other] {
      accept(message, for: user, origin: nil)
    }
    // Behind its own message, for a session that gets that.
    if session.isOpen, session.wantsOwn { acknowledge(send, sequence, timestamp, isDuplicate) }
    tellOthers(message, send)
  }

  private func acknowledge(
    _ send: PendingSend, _ sequence: UInt64, _ timestamp: Timestamp, _ isDuplicate: Bool
  ) {
    effects.send(
      .ack(
        Event.Ack(
          of: send.draft.content, conversation: .user(send.other), sequence: sequence,
          timestamp: timestamp, isDuplicate: isDuplicate)),
      to: send.session.id)
  }

  /// The other hubs of this node, and the other nodes.
  private func tellOthers(_ message: Message, _ send: PendingSend) {
    guard node.shardCount > 1 || !isAlone else { return }
    let members = send.members
    if node.shardCount > 1 {
      effects.localDeliveries.append(
        .envelope(.deliver(Delivery(message: message, recipients: members))))
    }
    if !isAlone { route(message, to: members) }
  }

  private func answer(
    _ session: Session, _ id: RequestID?, _ code: ErrorCode, _ message: String
  ) {
    if session.isOpen { fail(session, id, code, message) }
  }

  // MARK: - The rate

  /// In how many milliseconds the session may send again, if it may not now.
  private func refusal(_ session: Session) -> Int? {
    guard limits.sendsPerMinute > 0 else { return nil }
    var bucket = session.sendBucket ?? TokenBucket(burst: limits.sendsBurst, now: now)
    let wait = bucket.take(
      rate: Double(limits.sendsPerMinute) / 60, burst: limits.sendsBurst, now: now)
    session.sendBucket = bucket
    guard let wait else {
      session.refusals = 0
      return nil
    }
    return Int(wait / .milliseconds(1)) + 1
  }

  private func refuse(_ session: Session, _ id: RequestID?, retryAfter milliseconds: Int) {
    counters.refused += 1
    session.refusals += 1
    fail(session, id, .rateLimited, "too many sends", retryAfter: milliseconds)
    if session.refusals >= limits.refusalsMax {
      close(session, .rateLimited, "too many sends")
    }
  }
}
