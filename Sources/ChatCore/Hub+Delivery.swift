import ChatProtocol

// Messages out: each audience's conversations strictly by number, whatever order they arrive in.

extension Hub {
  /// Hands a committed message to those of `recipients` that are here, and if it is a room's to its
  /// members here. `origin` has had the `ack`.
  func deliver(_ message: Message, to recipients: [UserID], origin: SessionID?) {
    if message.conversation.isRoom { return deliverToRoom(message, recipients, origin: origin) }
    for recipient in recipients {
      if let user = users[recipient] { accept(message, for: user, origin: origin) }
    }
  }

  func accept(_ message: Message, for audience: Audience, origin: SessionID?) {
    if audience.cursors.advance(message.conversation, to: message.sequence) {
      handOut(message, to: audience, origin: origin)
      if !audience.holes.isEmpty { handOutHeld(audience, message.conversation) }
      return
    }
    guard audience.isLoaded else {
      hold(message, for: audience, origin: origin)
      return
    }
    guard let cursor = audience.cursor(in: message.conversation) else {
      adopt(message, for: audience, origin: origin)
      return
    }
    guard message.sequence > cursor else {
      counters.dropped += 1
      return
    }
    guard message.sequence == cursor + 1 else {
      hold(message, for: audience, origin: origin)
      openHole(audience, message.conversation)
      return
    }
    setCursor(audience, message.conversation, to: message.sequence)
    handOut(message, to: audience, origin: origin)
    if !audience.holes.isEmpty { handOutHeld(audience, message.conversation) }
  }

  /// The first message of a conversation whose place was not kept: nobody can tell what came
  /// before it.
  private func adopt(_ message: Message, for audience: Audience, origin: SessionID?) {
    if message.sequence > 1 {
      announce(Gap(after: 0, before: message.sequence), message.conversation, to: audience)
    }
    setCursor(audience, message.conversation, to: message.sequence)
    handOut(message, to: audience, origin: origin)
  }

  func setCursor(_ audience: Audience, _ conversation: ConversationID, to sequence: UInt64) {
    if audience.cursors.set(conversation, to: sequence, max: limits.conversationsMax) {
      audience.isComplete = false
    }
  }

  private func hold(_ message: Message, for audience: Audience, origin: SessionID?) {
    let isFull = audience.messagesHeld >= limits.messagesHeldPerUserMax
    audience.messagesHeld += audience.holes[message.conversation, default: Hole()].hold(
      message, origin: origin, max: isFull ? 0 : limits.messagesHeldMax)
  }

  /// Sends a message that is next for the audience to all sessions that are at the same place.
  func handOut(_ message: Message, to audience: Audience, origin: SessionID?) {
    if message.conversation.isRoom {
      guard let room = audience as? Room else {
        preconditionFailure("a room's entry was handed to one of its members alone")
      }
      return handOut(message, toRoom: room, origin: origin)
    }
    send(message, to: audience.sessions[...], of: audience, origin: origin)
  }

  func send(
    _ message: Message, to sessions: ArraySlice<Session>, of audience: Audience, origin: SessionID?
  ) {
    let start = effects.targets.count
    for session in sessions where session.isLive {
      if session.isCongested || !session.lags.isEmpty {
        guard admits(message, session) else { continue }
      }
      if session.id != origin || session.wantsOwn { effects.targets.append(session.id) }
    }
    guard start < effects.targets.count else { return }
    counters.delivered += effects.targets.count - start
    effects.send(
      .message(message, conversation: audience.address(of: message)), toTargetsFrom: start)
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
    case .shed, .unsure, .out:
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
}

extension Message {
  /// What the reader calls the conversation. The other's message needs no look into the key.
  func address(seenBy reader: UserID) -> Address {
    if sender == reader || conversation.isRoom { return conversation.address(seenBy: reader) }
    return .user(sender)
  }
}
