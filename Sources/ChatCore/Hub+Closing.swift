import ChatProtocol
import DequeModule

// The end of sessions: by the peer, by a fault of the peer, or because the node stops.

extension Hub {
  /// The connection is gone. Also called after each close that the hub ordered.
  package func closed(_ id: SessionID) {
    guard let session = sessions.removeValue(forKey: id) else { return }
    sessions.shrinkIfSparse()
    counters.sessions = sessions.count
    detach(session)
  }

  func close(_ session: Session, _ code: ChatCloseCode, _ reason: StaticString) {
    guard session.isOpen else { return }
    effects.closes.append(Effects.Close(session: session.id, code: code, reason: reason))
    detach(session)
  }

  /// Takes the session out of everything but `sessions`, where it stays until `closed`.
  private func detach(_ session: Session) {
    guard session.isOpen else { return }
    session.phase = .closed
    session.deferred = []
    session.lags = [:]
    session.resumption = nil
    guard let user = session.user.take() else { return }
    guard !session.isAsking else { return unwatch(session) }
    user.sessions.removeAll { $0 === session }
    leaveRooms(session, user)
    unwatch(session)
    if user.sessions.isEmpty {
      users[user.id] = nil
      users.shrinkIfSparse()
      user.forget()
      left(user)
      counters.users = users.count
    }
    tellPresence(of: user.id)
    unregister(session, user: user.id)
    if let former = session.formerOwner {
      giveBack(session.device, of: user.id, to: former.owner)
    }
  }

  /// Tells every session to come back elsewhere, and closes them one after the other, evenly over
  /// `span` nanoseconds. Each is told its own time, so that they come back evenly too.
  package func drain(over span: Int64) {
    precondition(drainEnd == nil, "drained twice")
    drainEnd = now + span
    var sessions = sessionsInOrder().filter { !$0.isAsking }
    sessions.shuffle(using: &random)
    for (index, session) in sessions.enumerated() where session.isOpen {
      let delay = span / Int64(sessions.count) * Int64(index + 1)
      effects.send(
        .reconnect(afterMilliseconds: Int(delay / Int64.milliseconds(1))), to: session.id)
      alarms.set(.close(session, .draining, "the node is stopping"), at: now + delay)
    }
  }

  // MARK: - Slow readers

  /// The peer's pending writes went over their limit, or are below it again.
  package func setCongested(_ id: SessionID, _ isCongested: Bool) {
    guard let session = sessions[id], session.isOpen, session.isCongested != isCongested else {
      return
    }
    if isCongested {
      session.congestedSince = now
      if !session.hasCongestionAlarm {
        session.hasCongestionAlarm = true
        alarms.set(.congestionTimeout(session), at: now + limits.congestionTimeout)
      }
      updateReading(session)
    } else {
      session.congestedSince = nil
      announceShed(session)
      resumeMore(session)
      runDeferred(session)
    }
  }

  func congestionTimedOut(_ session: Session) {
    session.hasCongestionAlarm = false
    guard session.isOpen, let since = session.congestedSince else { return }
    let deadline = since + limits.congestionTimeout
    guard now >= deadline else {
      // It recovered and is congested again.
      session.hasCongestionAlarm = true
      alarms.set(.congestionTimeout(session), at: deadline)
      return
    }
    announceShed(session)
    close(session, .slowConsumer, "too slow")
  }

  /// Says where messages were left out: one `gap` per conversation.
  private func announceShed(_ session: Session) {
    guard let user = session.user else { return }
    for conversation in session.lags.keys.sorted() {
      guard case .shed(let position) = session.lags[conversation] else { continue }
      settle(session, in: conversation)
      let head = audience(of: user, in: conversation).cursor(in: conversation) ?? position
      sendGap(to: session, conversation, after: position, before: head + 1)
    }
  }
}
