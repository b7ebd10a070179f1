import ChatProtocol
import DequeModule

// What a session missed: read from the log and sent in order, before any live message of the
// conversation. Live messages wait behind, in a bounded queue that the log backs.

extension Hub {
  /// A live session gets a room that it had nothing of, from the entry behind `position` on.
  func resume(_ session: Session, in room: Room, after position: UInt64) {
    guard lag(session, in: room, at: position) else { return }
    let resumption = session.resumption ?? Resumption(budget: limits.resumedMessagesMax)
    resumption.waiting.append(room.conversation)
    session.resumption = resumption
    resumeMore(session)
  }

  /// A live session goes back to what its device holds, as one does that says hello: until it is
  /// `ready` again live messages pass it by, and are among the missed ones. Not while others are on
  /// their way: the command waits for their end.
  func resume(_ session: Session, _ id: RequestID?, _ resume: [Address: UInt64]) {
    precondition(session.resumption == nil, "a session went back while missed messages came")
    session.lags = [:]
    session.phase = .loading(Session.Handshake(id: id, resume: resume))
    submit(.load(session, at: now))
  }

  /// Tries again where reads failed.
  func resumeFailed(_ session: Session) {
    guard let failed = session.resumption?.failed, !failed.isEmpty else { return }
    session.resumption?.failed.removeAll { $0.nextAt <= now }
    session.resumption?.waiting.append(
      contentsOf: failed.lazy.filter { $0.nextAt <= self.now }.map(\.conversation))
    resumeMore(session)
  }

  /// Asks for the next missed messages, as far as the limits allow. Behind the last of them the
  /// session's commands go on that waited for it.
  func resumeMore(_ session: Session) {
    guard session.isLive, !session.isCongested else { return }
    while let resumption = session.resumption,
      resumption.readsInFlight < limits.resumeReadsInFlightMax
    {
      guard let conversation = resumption.waiting.first else {
        guard resumption.readsInFlight == 0, resumption.failed.isEmpty else { return }
        session.resumption = nil
        return runDeferred(session)
      }
      // Reads give back what they do not use.
      guard resumption.budget > 0 || resumption.readsInFlight == 0 else { return }
      session.resumption?.waiting.removeFirst()
      readOn(in: conversation, session)
    }
  }

  private func readOn(in conversation: ConversationID, _ session: Session) {
    guard case .resuming(var missed) = session.lags[conversation],
      let resumption = session.resumption, let user = session.user
    else { return }
    let head =
      audience(of: user, in: conversation).cursor(in: conversation) ?? missed.position
    dropOvertaken(&missed, session)
    let before = missed.behind.first?.sequence ?? head + 1
    guard missed.position + 1 < before else {
      rejoin(conversation, session, missed)
      return
    }
    guard resumption.budget > 0, missed.vain.answered < limits.vainReadsMax else {
      sendGap(to: session, conversation, after: missed.position, before: before)
      rejoin(conversation, session, missed)
      return
    }
    let count = UInt64(min(limits.resumePageMax, resumption.budget))
    let limit = Int(min(count, before - missed.position - 1))
    session.resumption?.budget -= limit
    session.resumption?.readsInFlight += 1
    missed.vain.begin(at: now)
    session.lags[conversation] = .resuming(missed)
    submit(
      .missed(session, conversation, after: missed.position, before: before, limit: limit))
  }

  func readMissed(
    _ session: Session, _ conversation: ConversationID, _ span: SequenceSpan, limit: Int,
    _ result: StoreReply.Result
  ) {
    guard session.resumption != nil else { return }
    session.resumption?.readsInFlight -= 1
    guard case .resuming(var missed) = session.lags[conversation] else {
      // The user has left the room.
      session.resumption?.budget += limit
      return resumeMore(session)
    }
    guard !session.isCongested else {
      // Too much to write already: the same is read again when it is less.
      session.resumption?.budget += limit
      session.resumption?.waiting.prepend(conversation)
      return
    }
    var found: [Message] = []
    if case .messages(let messages, let lowWaterMark) = result {
      found = messages
      skip(upTo: min(lowWaterMark, span.before - 1), &missed, session, conversation)
    }
    guard !found.isEmpty || missed.position > span.after else {
      session.resumption?.budget += limit
      missed.vain.note(result, storeAnsweredAt: storeAnsweredAt, at: now)
      session.lags[conversation] = .resuming(missed)
      let nextAt = now + missed.vain.pause(limits)
      session.resumption?.failed.append((conversation, nextAt))
      alarms.set(.resume(session), at: nextAt)
      resumeMore(session)
      return
    }
    session.resumption?.waiting.prepend(conversation)
    missed.vain = VainReads()
    // Of long messages the rest is read again, when these are written or the session is congested:
    // else some pages of a turn were more than a peer may have pending.
    var bytes = 0
    var sent = 0
    for message in found where bytes < limits.pageBytesMax {
      bytes += message.content.bodyCount
      sent += 1
      send(missed: message, &missed, session)
    }
    session.resumption?.budget += limit - sent
    session.lags[conversation] = .resuming(missed)
    resumeMore(session)
  }

  /// What was removed meanwhile is not to be had.
  private func skip(
    upTo last: UInt64, _ missed: inout Missed, _ session: Session, _ conversation: ConversationID
  ) {
    guard last > missed.position else { return }
    sendGap(
      to: session, conversation, after: missed.position, before: last + 1, .removal)
    missed.position = last
  }

  private func send(missed message: Message, _ missed: inout Missed, _ session: Session) {
    guard message.sequence > missed.position, let user = session.user else { return }
    sendGap(
      to: session, message.conversation, after: missed.position, before: message.sequence)
    missed.position = message.sequence
    if let index = missed.acked.firstIndex(of: message.sequence) {
      missed.acked.remove(at: index)
      return
    }
    counters.resumed += 1
    let address = message.address(seenBy: user.id)
    effects.send(.message(message, conversation: address), to: session.id)
  }

  /// The missed ones are through: the ones behind them follow, and the session is where its user
  /// is.
  private func rejoin(_ conversation: ConversationID, _ session: Session, _ last: Missed) {
    var missed = last
    // What waited is what the room handed out last, and the session goes on with it from there.
    if missed.behind.isEmpty {
      settle(session, in: conversation)
    } else {
      session.lags[conversation] = nil
    }
    session.resumption?.messagesBehind -= missed.behind.count
    if let first = missed.behind.first { missed.position = first.sequence - 1 }
    while let message = missed.behind.popFirst() { send(missed: message, &missed, session) }
  }

  // MARK: - Meanwhile

  /// A live message of a conversation whose missed messages are not through yet.
  func queueBehind(_ message: Message, _ session: Session) {
    let conversation = message.conversation
    guard case .resuming(var missed) = session.lags[conversation],
      message.sequence > missed.position
    else { return }
    let room = limits.messagesBehindResumeMax - (session.resumption?.messagesBehind ?? 0)
    guard room > 0 else {
      dropBehind(conversation, session)
      return
    }
    session.lags[conversation] = nil
    missed.behind.append(message)
    session.lags[conversation] = .resuming(missed)
    session.resumption?.messagesBehind += 1
  }

  /// In a large room the log may have given what is handed out only now.
  private func dropOvertaken(_ missed: inout Missed, _ session: Session) {
    while let first = missed.behind.first, first.sequence <= missed.position {
      missed.behind.removeFirst()
      session.resumption?.messagesBehind -= 1
    }
  }

  /// Lets go of the messages that wait; the log has them.
  func dropBehind(_ conversation: ConversationID, _ session: Session) {
    guard case .resuming(var missed) = session.lags[conversation] else { return }
    session.resumption?.messagesBehind -= missed.behind.count
    missed.behind.removeAll()
    session.lags[conversation] = .resuming(missed)
  }

  func noteAck(of sequence: UInt64, in conversation: ConversationID, to session: Session) {
    guard !session.lags.isEmpty, case .resuming(var missed) = session.lags[conversation],
      missed.acked.count < limits.sendsInFlightMax
    else { return }
    missed.acked.append(sequence)
    session.lags[conversation] = .resuming(missed)
  }
}
