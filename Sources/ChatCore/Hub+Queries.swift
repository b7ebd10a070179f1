import ChatProtocol

// `history` and `conversations`.

/// Above every number that a conversation can reach.
let sequenceEnd: UInt64 = 1 << 53

extension Hub {
  /// One message more than asked for, which shows whether there is more.
  func historyOperation(
    _ history: Command.History, reader: UserID
  ) -> StoreRequest.Operation {
    let conversation = ConversationID(history.to, seenBy: reader)
    let limit = pageLimit(history) + 1
    switch history.span {
    case .latest:
      return .messages(
        in: conversation, reader: reader, after: 0, before: sequenceEnd, limit: limit,
        fromStart: false)
    case .before(let sequence):
      return .messages(
        in: conversation, reader: reader, after: 0, before: min(sequence, sequenceEnd),
        limit: limit,
        fromStart: false)
    case .after(let sequence):
      return .messages(
        in: conversation, reader: reader, after: min(sequence, sequenceEnd), before: sequenceEnd,
        limit: limit,
        fromStart: true)
    case .between(let after, let before):
      return .messages(
        in: conversation, reader: reader, after: min(after, sequenceEnd),
        before: min(before, sequenceEnd), limit: limit, fromStart: true)
    }
  }

  private func pageLimit(_ history: Command.History) -> Int {
    min(max(history.limit, 1), Command.History.limitMax)
  }

  func readHistory(
    _ session: Session, _ history: Command.History, _ result: StoreReply.Result
  ) {
    session.queriesInFlight -= 1
    guard session.isOpen, let user = session.user else { return }
    defer { if !session.deferred.isEmpty { runDeferred(session) } }
    if case .refused = result {
      return fail(session, history.id, .notFound, "no such conversation")
    }
    guard case .messages(let messages, let lowWaterMark) = result else {
      counters.unavailable += 1
      fail(session, history.id, .unavailable, "the store is out of reach")
      return
    }
    let conversation = ConversationID(history.to, seenBy: user.id)
    // A page may be empty only in a conversation that somebody wrote in.
    if messages.isEmpty, !conversation.isRoom, lowWaterMark == 0,
      history.span == .latest
        || user.isLoaded && user.cursor(in: conversation) == 0
    {
      fail(session, history.id, .notFound, "no such conversation")
      return
    }
    if !session.isAsking { announceRemoved(session, conversation, history.span, lowWaterMark) }
    let (items, more) = page(messages, history)
    effects.send(
      .page(history.id, conversation: history.to, items: items, more: more), to: session.id)
  }

  /// Where the page would have begun there is nothing any more.
  private func announceRemoved(
    _ session: Session, _ conversation: ConversationID, _ span: Command.History.Span,
    _ lowWaterMark: UInt64
  ) {
    switch span {
    case .after(let sequence) where sequence < lowWaterMark:
      sendGap(
        to: session, conversation, after: sequence, before: lowWaterMark + 1, .removal)
    case .before(let sequence) where sequence <= lowWaterMark:
      sendGap(to: session, conversation, after: 0, before: lowWaterMark + 1, .removal)
    case .between(let sequence, let end) where sequence < lowWaterMark:
      sendGap(
        to: session, conversation, after: sequence, before: min(lowWaterMark + 1, end),
        .removal)
    case .latest, .before, .after, .between:
      break
    }
  }

  /// As many messages as were asked for and fit, from the end that the span begins at.
  private func page(
    _ messages: [Message], _ history: Command.History
  ) -> (items: [Message], more: Bool) {
    var count = 0
    var bytes = 0
    let isRising =
      switch history.span {
      case .latest, .before: false
      case .after, .between: true
      }
    while count < min(messages.count, pageLimit(history)) {
      let message = isRising ? messages[count] : messages[messages.count - 1 - count]
      bytes += message.content.bodyCount
      guard bytes <= limits.pageBytesMax || count == 0 else { break }
      count += 1
    }
    let items = isRising ? messages.prefix(count) : messages.suffix(count)
    return (Array(items), count < messages.count)
  }

  func readConversations(
    _ session: Session, _ id: RequestID?, _ user: UserID, _ result: StoreReply.Result
  ) {
    session.queriesInFlight -= 1
    guard session.isOpen else { return }
    defer { if !session.deferred.isEmpty { runDeferred(session) } }
    guard case .conversations(let states) = result else {
      counters.unavailable += 1
      fail(session, id, .unavailable, "the store is out of reach")
      return
    }
    effects.send(.conversations(id, states.map { summary($0, for: user) }), to: session.id)
  }

  func readMembers(
    _ session: Session, _ query: Command.Members, _ result: StoreReply.Result
  ) {
    session.queriesInFlight -= 1
    guard session.isOpen else { return }
    defer { if !session.deferred.isEmpty { runDeferred(session) } }
    switch result {
    case .members(let members):
      let items = Array(members.prefix(query.limit))
      effects.send(
        .members(
          query.id, room: query.room, items: items, more: items.count < members.count),
        to: session.id)
    case .refused:
      fail(session, query.id, .notFound, "no such conversation")
    default:
      counters.unavailable += 1
      fail(session, query.id, .unavailable, "the store is out of reach")
    }
  }
}
