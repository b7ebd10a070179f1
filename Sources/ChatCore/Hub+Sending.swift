import ChatProtocol

// An entry of a conversation's log: to the store, and once committed, back as `ack` or `ok` and out as
// `msg`.

/// An entry between its arrival and the store's answer.
struct PendingEntry {
  let session: Session
  let conversation: ConversationID
  let sender: UserID
  /// The other member of a direct conversation.
  let other: UserID?
  let content: MessageContent
  let kind: EntryKind
  let reference: UInt64?
  /// Present in an entry of kind `room`.
  var change: RoomChange?
  let receivedAt: Int64

  var id: RequestID? { content.requestID }

  /// Whom it is for, each once: in a room those who are members by it, and to whose nodes the room may
  /// not be known yet.
  var recipients: [UserID] {
    if let other { return sender == other ? [other] : [sender, other] }
    guard let change else { return [] }
    return change.addsActor ? [sender] + change.added : change.added
  }
}

extension Hub {
  func send(_ send: Command.Send, _ session: Session, _ user: User) {
    counters.sendsReceived += 1
    guard takeToken(session, user, send.id) else { return }
    let draft = Draft(
      conversation: ConversationID(send.to, seenBy: user.id), sender: user.id,
      content: send.content, kind: send.kind, reference: send.reference, timestamp: wall)
    let entry = PendingEntry(
      session: session, conversation: draft.conversation, sender: user.id, other: send.to.user,
      content: draft.content, kind: draft.kind, reference: draft.reference, receivedAt: now)
    submit(entry, .append(draft))
  }

  func changeRoom(_ command: Command.ChangeRoom, _ session: Session, _ user: User) {
    counters.sendsReceived += 1
    guard takeToken(session, user, command.id) else { return }
    let content = MessageContent(
      requestID: command.id, clientID: command.clientID ?? makeClientID(),
      body: command.change.body)
    let draft = RoomDraft(
      conversation: ConversationID(room: command.room), actor: user.id, change: command.change,
      content: content, timestamp: wall)
    let entry = PendingEntry(
      session: session, conversation: draft.conversation, sender: user.id, other: nil,
      content: content, kind: .room, reference: nil, change: command.change, receivedAt: now)
    submit(entry, .changeRoom(draft))
  }

  /// For a change that came without one: the store makes a change once that it is asked for again
  /// after its connection was lost. The end, which tells two of them apart, is whole however long
  /// the node's id is.
  private func makeClientID() -> String {
    let end = String(random.next(), radix: 36)
    let start = "\(node.id)/\(node.epoch)/"
    return start.prefix(Command.Send.clientIDBytesMax - end.utf8.count) + end
  }

  private func submit(_ entry: PendingEntry, _ operation: StoreRequest.Operation) {
    entry.session.sendsInFlight += 1
    counters.appendsInFlight += 1
    effects.store.append(StoreRequest(token: appends.insert(entry), operation: operation))
  }

  func appended(_ entry: PendingEntry, _ result: StoreReply.Result) {
    let session = entry.session
    session.sendsInFlight -= 1
    counters.appendsInFlight -= 1
    switch result {
    case .appended(let sequence, let timestamp, let isDuplicate):
      committed(entry, sequence, timestamp, isDuplicate)
    case .unchanged:
      if session.isOpen { effects.send(.done(entry.id), to: session.id) }
    case .conflict:
      counters.conflicts += 1
      answer(session, entry.id, .conflict, "this cid was used for another message")
    case .refused(let refusal):
      counters.conflicts += refusal == .exists ? 1 : 0
      answer(session, entry.id, refusal.code, refusal.message)
    case .unavailable, .conversations, .messages, .marked, .members, .removed:
      counters.unavailable += 1
      answer(session, entry.id, .unavailable, "the store is out of reach")
    }
    if !session.deferred.isEmpty { runDeferred(session) }
    if !stalled.isEmpty { runStalled() }
  }

  private func committed(
    _ entry: PendingEntry, _ sequence: UInt64, _ timestamp: Timestamp, _ isDuplicate: Bool
  ) {
    let session = entry.session
    if session.isOpen, !session.wantsOwn {
      acknowledge(entry, sequence, timestamp, isDuplicate)
      if entry.change == nil { noteAck(of: sequence, in: entry.conversation, to: session) }
    }
    counters.acked += 1
    counters.sendToAck.record(nanoseconds: UInt64(max(now - entry.receivedAt, 0)))
    if isDuplicate { counters.duplicates += 1 }
    let message = Message(
      conversation: entry.conversation, sequence: sequence, sender: entry.sender,
      content: entry.content, timestamp: timestamp, kind: entry.kind, reference: entry.reference)
    // A duplicate goes out again: the node that stored it first may have died before it could
    // tell anyone. Whoever has it drops it by its number. The entry of a change is the only echo that
    // says what it did.
    let recipients = entry.recipients
    if let other = entry.other {
      deliver(message, of: entry, to: other)
    } else {
      deliverToRoom(message, recipients, origin: entry.change == nil ? session.id : nil)
    }
    // Behind its own message, for a session that gets that.
    if session.isOpen, session.wantsOwn { acknowledge(entry, sequence, timestamp, isDuplicate) }
    tellOthers(message, recipients)
  }

  /// To those of the two that are here; the sender's place is mostly at hand.
  private func deliver(_ message: Message, of entry: PendingEntry, to other: UserID) {
    let session = entry.session
    let sender = session.isAsking ? nil : session.user
    if let user = sender ?? users[entry.sender] {
      accept(message, for: user, origin: session.id)
    }
    if entry.sender != other, let user = users[other] {
      accept(message, for: user, origin: nil)
    }
  }

  private func acknowledge(
    _ entry: PendingEntry, _ sequence: UInt64, _ timestamp: Timestamp, _ isDuplicate: Bool
  ) {
    guard entry.change == nil else { return effects.send(.done(entry.id), to: entry.session.id) }
    effects.send(
      .ack(
        Event.Ack(
          of: entry.content, conversation: entry.conversation.address(seenBy: entry.sender),
          sequence: sequence, timestamp: timestamp, isDuplicate: isDuplicate)),
      to: entry.session.id)
  }

  /// The other hubs of this node, and the other nodes.
  private func tellOthers(_ message: Message, _ recipients: [UserID]) {
    if node.shardCount > 1 {
      effects.localDeliveries.append(
        .envelope(.deliver(Delivery(message: message, recipients: recipients))))
    }
    guard !isAlone else { return }
    if let room = message.conversation.room {
      publish(.deliver(Delivery(message: message, recipients: [])), to: .room(room))
    }
    if !recipients.isEmpty { route(message, to: recipients) }
  }

  private func answer(
    _ session: Session, _ id: RequestID?, _ code: ErrorCode, _ message: String
  ) {
    if session.isOpen { fail(session, id, code, message) }
  }
}

extension StoreRefusal {
  fileprivate var code: ErrorCode {
    switch self {
    case .notFound: .notFound
    case .forbidden: .forbidden
    case .exists, .full: .conflict
    }
  }

  fileprivate var message: String {
    switch self {
    case .notFound: "no such conversation, or no such message in it"
    case .forbidden: "not allowed to this member"
    case .exists: "the room exists already"
    case .full: "the room is full"
    }
  }
}
