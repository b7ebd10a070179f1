import ChatProtocol

// What is told once and not stored: who types, how far somebody has read, who is there. Sessions whose
// peers are slow do without.

extension Hub {
  func receive(_ signal: Signal, _ recipients: [UserID], except origin: SessionID? = nil) {
    switch signal {
    case .typing(let conversation, let user):
      if recipients.isEmpty, let room = rooms[conversation] {
        guard mayTellTyping(in: room) else { return }
        room.nextTyping = now + Int64(room.sessions.count) * limits.roomTypingInterval
      }
      tell(about: conversation, of: user, recipients, except: origin) {
        .typing(conversation: $0, user: user)
      }
    case .receipt(let conversation, let user, let marks):
      let key = MarkKey(user: user, conversation: conversation)
      guard let marks = toldMarks.raise(marks, of: key, now: now) else { return }
      // In a large room everybody would be told of everybody.
      let isOwn = recipients.isEmpty && isLarge(conversation)
      tell(about: conversation, of: user, isOwn ? [user] : recipients, except: origin) {
        .receipt(conversation: $0, user: user, marks)
      }
    case .presence(let user, let presence):
      presenceTold(of: user, presence)
    }
  }

  private func isLarge(_ conversation: ConversationID) -> Bool {
    rooms[conversation].map { $0.memberCount > limits.receiptMembersMax } ?? false
  }

  /// Here, on the other hubs of the node, and on the other nodes. Without recipients to all of a room.
  func emit(
    _ signal: Signal, to recipients: [UserID], topic: Topic? = nil, except origin: SessionID? = nil
  ) {
    receive(signal, recipients, except: origin)
    let envelope = Envelope.signal(signal, recipients: recipients)
    if node.shardCount > 1 { effects.localDeliveries.append(.envelope(envelope)) }
    guard !isAlone else { return }
    if let topic { publish(envelope, to: topic) }
    if !recipients.isEmpty { route(signal, to: recipients) }
  }

  private func tell(
    about conversation: ConversationID, of user: UserID, _ recipients: [UserID],
    except origin: SessionID?, _ event: (Address) -> Event
  ) {
    if recipients.isEmpty, let room = rooms[conversation] {
      send(event(.room(room.name)), to: room.sessions, except: origin)
    }
    for recipient in recipients {
      guard let sessions = users[recipient]?.sessions else { continue }
      send(event(conversation.address(seenBy: recipient)), to: sessions, except: origin)
    }
  }

  func send(_ event: Event, to sessions: [Session], except origin: SessionID? = nil) {
    let start = effects.targets.count
    for session in sessions where session.isLive && !session.isCongested && session.id != origin {
      effects.targets.append(session.id)
    }
    effects.send(event, toTargetsFrom: start)
  }

  // MARK: - Typing

  func typing(_ to: Address, _ session: Session, _ user: User) {
    guard now >= session.nextTyping else { return }
    session.nextTyping = now + limits.typingInterval
    let conversation = ConversationID(to, seenBy: user.id)
    let signal = Signal.typing(in: conversation, user.id)
    switch to {
    case .user(let other):
      // Not to people who never wrote to each other.
      guard other != user.id, let cursor = user.cursor(in: conversation), cursor > 0 else { return }
      emit(signal, to: [other], except: session.id)
    case .room(let name):
      guard let room = rooms[conversation], user.membership(in: room) != nil else { return }
      guard mayTellTyping(in: room) else { return }
      emit(signal, to: [], topic: .room(name), except: session.id)
    }
  }

  /// The more sessions are told, the seldomer; and more than a turn is for, not at all.
  private func mayTellTyping(in room: Room) -> Bool {
    room.sessions.count <= limits.fanoutSessionsMax && now >= room.nextTyping
  }
}
