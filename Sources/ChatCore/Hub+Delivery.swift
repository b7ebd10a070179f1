import ChatProtocol

// Messages out: each user's conversations strictly by number, whatever order they arrive in.

extension Hub {
  /// Hands a committed message to those of `recipients` that are here. `origin` has had the `ack`.
  func deliver(_ message: Message, to recipients: [UserID], origin: SessionID?) {
    for recipient in recipients {
      if let user = users[recipient] { accept(message, for: user, origin: origin) }
    }
  }

  func accept(_ message: Message, for user: User, origin: SessionID?) {
    if user.cursors.advance(message.conversation, to: message.sequence) {
      handOut(message, to: user, origin: origin)
      if !user.holes.isEmpty { handOutHeld(user, message.conversation) }
      return
    }
    guard user.isLoaded else {
      hold(message, for: user, origin: origin)
      return
    }
    guard let cursor = user.cursor(in: message.conversation) else {
      adopt(message, for: user, origin: origin)
      return
    }
    guard message.sequence > cursor else {
      counters.dropped += 1
      return
    }
    guard message.sequence == cursor + 1 else {
      hold(message, for: user, origin: origin)
      openHole(user, message.conversation)
      return
    }
    setCursor(user, message.conversation, to: message.sequence)
    handOut(message, to: user, origin: origin)
    if !user.holes.isEmpty { handOutHeld(user, message.conversation) }
  }

  /// The first message of a conversation whose place was not kept: nobody can tell what came
  /// before it.
  private func adopt(_ message: Message, for user: User, origin: SessionID?) {
    if message.sequence > 1 {
      announceGap(user, message.conversation, after: 0, before: message.sequence)
    }
    setCursor(user, message.conversation, to: message.sequence)
    handOut(message, to: user, origin: origin)
  }

  func setCursor(_ user: User, _ conversation: ConversationID, to sequence: UInt64) {
    if user.cursors.set(conversation, to: sequence, max: limits.conversationsMax) {
      user.isComplete = false
    }
  }

  private func hold(_ message: Message, for user: User, origin: SessionID?) {
    let isFull = user.messagesHeld >= limits.messagesHeldPerUserMax
    user.messagesHeld += user.holes[message.conversation, default: Hole()].hold(
      message, origin: origin, max: isFull ? 0 : limits.messagesHeldMax)
  }

  /// Sends a message that is next for the user to all sessions that are at the same place.
  func handOut(_ message: Message, to user: User, origin: SessionID?) {
    let start = effects.targets.count
    for session in user.sessions where session.isLive {
      if session.isCongested || !session.lags.isEmpty {
        guard admits(message, session) else { continue }
      }
      if session.id != origin || session.wantsOwn { effects.targets.append(session.id) }
    }
    guard start < effects.targets.count else { return }
    counters.delivered += effects.targets.count - start
    let address = message.address(seenBy: user.id)
    effects.send(.message(message, conversation: address), toTargetsFrom: start)
  }

  /// Whether a session that lags somewhere, or is congested, takes this message now.
  private func admits(_ message: Message, _ session: Session) -> Bool {
    let conversation = message.conversation
    switch session.lags[conversation] {
    case .ahead(let through) where message.sequence <= through:
      if message.sequence == through { session.lags[conversation] = nil }
      return false
    case .resuming:
      queueBehind(message, session)
      return false
    case .shed:
      counters.shed += 1
      return false
    case .ahead, nil:
      session.lags[conversation] = nil
      guard session.isCongested else { return true }
      session.lags[conversation] = .shed(after: message.sequence - 1)
      counters.shed += 1
      return false
    }
  }

  // MARK: - Gaps

  /// The user's place jumps from `after` to `before - 1`: says so to every session that would
  /// have got what is between.
  func announceGap(
    _ user: User, _ conversation: ConversationID, after: UInt64, before: UInt64
  ) {
    for session in user.sessions where session.isLive {
      switch session.lags[conversation] {
      case .ahead(let through):
        guard through + 1 < before else { continue }
        session.lags[conversation] = nil
        sendGap(to: session, conversation, after: max(after, through), before: before)
      case .resuming:
        // It reads these by itself; what waits behind them must not hide that.
        dropBehind(conversation, session)
      case .shed:
        break
      case nil:
        if session.isCongested {
          session.lags[conversation] = .shed(after: after)
        } else {
          sendGap(to: session, conversation, after: after, before: before)
        }
      }
    }
  }

  func sendGap(
    to session: Session, _ conversation: ConversationID, after: UInt64, before: UInt64
  ) {
    guard let user = session.user, after + 1 < before else { return }
    counters.gaps += 1
    effects.send(
      .gap(conversation: conversation.address(seenBy: user.id), after: after, before: before),
      to: session.id)
  }
}

extension Message {
  /// What the reader calls the conversation. The other's message needs no look into the key.
  func address(seenBy reader: UserID) -> Address {
    sender == reader ? conversation.address(seenBy: reader) : .user(sender)
  }
}
