import ChatProtocol

// How far members have received and read: gathered for a moment, stored, and then told to those who
// may know. What is stored never goes back, and neither does what is told: what a newer signal has
// overtaken on its way from another hub is left out.

struct MarkKey: Hashable {
  let user: UserID
  let conversation: ConversationID
}

/// What a user's sessions said in the last moment.
struct PendingMark {
  var received: UInt64
  var read: UInt64
  /// Who said so, and need not be told; nobody, if several said something.
  var origin: SessionID?
  /// How many are in the room, if it is a room that is here.
  let memberCount: Int?
  /// Who said so first, and has one more under way for it.
  let first: Session
  /// Who wants an answer.
  var waiting: [(session: Session, id: RequestID)] = []
}

extension Hub {
  func mark(_ mark: Command.Mark, _ session: Session, _ user: User) {
    let key = MarkKey(
      user: user.id, conversation: ConversationID(mark.to, seenBy: user.id))
    var pending: PendingMark
    if let known = marks[key] {
      pending = known
    } else {
      guard marks.count < limits.marksMax else {
        if mark.id != nil { fail(session, mark.id, .unavailable, "too many marks under way") }
        return
      }
      pending = PendingMark(
        received: 0, read: 0, origin: session.id,
        memberCount: rooms[key.conversation]?.memberCount, first: session)
      session.marksInFlight += 1
      alarms.set(.mark(key), at: now + limits.markDelay)
    }
    pending.received = max(pending.received, mark.received, mark.read)
    pending.read = max(pending.read, mark.read)
    if pending.origin != session.id { pending.origin = nil }
    if let id = mark.id { pending.waiting.append((session, id)) }
    marks[key] = pending
  }

  /// `ready` tells of these: what is on its way here and is lower is told no more.
  func noteTold(_ state: ConversationState, to user: UserID) {
    noteTold(PeerMarks(received: state.received, read: state.read), of: user, state.conversation)
    if let peer = state.peer, let other = state.conversation.members.first(where: { $0 != user }) {
      noteTold(peer, of: other, state.conversation)
    }
  }

  private func noteTold(_ marks: PeerMarks, of user: UserID, _ conversation: ConversationID) {
    guard marks.received > 0 else { return }
    _ = toldMarks.raise(marks, of: MarkKey(user: user, conversation: conversation), now: now)
  }

  func submitMark(_ key: MarkKey) {
    guard let pending = marks.removeValue(forKey: key) else { return }
    marks.shrinkIfSparse()
    submit(.mark(key, pending))
  }

  func marked(_ key: MarkKey, _ mark: PendingMark, _ result: StoreReply.Result) {
    defer {
      mark.first.marksInFlight -= 1
      runDeferred(mark.first)
    }
    for (session, id) in mark.waiting where session.isOpen {
      switch result {
      case .marked: effects.send(.done(id), to: session.id)
      case .refused: fail(session, id, .notFound, "no such conversation")
      default: fail(session, id, .unavailable, "the store is out of reach")
      }
    }
    guard case .marked(let received, let read) = result else { return }
    // Neither is news where both are below what was stored before.
    guard mark.received >= received || mark.read >= read && mark.read > 0 else { return }
    let signal = Signal.receipt(
      in: key.conversation, key.user, PeerMarks(received: received, read: read))
    guard let name = key.conversation.room else {
      return emit(signal, to: key.conversation.members, except: mark.origin)
    }
    // Where the room is not here, those who have it know how large it is.
    if mark.memberCount ?? 0 <= limits.receiptMembersMax {
      emit(signal, to: [], topic: .room(name), except: mark.origin)
    } else {
      emit(signal, to: [key.user], except: mark.origin)
    }
  }
}
