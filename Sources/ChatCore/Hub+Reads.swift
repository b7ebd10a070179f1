import ChatProtocol
import DequeModule

// Reads of the store: at most `readsInFlightMax` at a time, the others in order behind them.

/// A read of the store and what its answer is for.
enum Read {
  case load(Session, at: Int64)
  case missed(Session, ConversationID, after: UInt64, before: UInt64, limit: Int)
  case hole(Audience, ConversationID, after: UInt64, before: UInt64, limit: Int)
  case tail(Room, after: UInt64, limit: Int)
  case sweep(User, at: Int64)
  case history(Session, Command.History)
  case conversations(Session, RequestID?, UserID)
  case members(Session, Command.Members)
  /// A write, under the same limits.
  case mark(MarkKey, PendingMark)

  /// Whether anyone still waits for the answer.
  var isWanted: Bool {
    switch self {
    case .load(let session, _), .missed(let session, _, _, _, _), .history(let session, _),
      .conversations(let session, _, _), .members(let session, _):
      session.isOpen
    case .hole(let audience, _, _, _, _): !audience.isForgotten
    case .mark: true
    case .tail(let room, _, _): !room.isForgotten
    case .sweep(let user, _): !user.sessions.isEmpty
    }
  }
}

extension Hub {
  func submit(_ read: Read) {
    guard counters.readsInFlight < limits.readsInFlightMax else {
      readsWaiting.append(read)
      counters.readsWaiting = readsWaiting.count
      return
    }
    start(read)
  }

  private func start(_ read: Read) {
    guard let operation = operation(for: read) else { return }
    counters.readsInFlight += 1
    let token = reads.insert(read)
    effects.store.append(StoreRequest(token: token, operation: operation))
  }

  func completed(_ read: Read, _ result: StoreReply.Result) {
    counters.readsInFlight -= 1
    if result != .unavailable { storeAnsweredAt = now }
    switch read {
    case .load(let session, let time):
      loaded(session, readAt: time, result)
    case .missed(let session, let conversation, let after, let before, let limit):
      let span = SequenceSpan(after: after, before: before)
      readMissed(session, conversation, span, limit: limit, result)
    case .hole(let audience, let conversation, _, _, let limit):
      readHole(audience, conversation, limit: limit, result)
    case .tail(let room, _, let limit):
      readTail(of: room, limit: limit, result)
    case .sweep(let user, let time):
      swept(user, readAt: time, result)
    case .history(let session, let history):
      readHistory(session, history, result)
    case .conversations(let session, let id, let user):
      readConversations(session, id, user, result)
    case .members(let session, let members):
      readMembers(session, members, result)
    case .mark(let key, let mark):
      marked(key, mark, result)
    }
    while counters.readsInFlight < limits.readsInFlightMax, let next = readsWaiting.popFirst() {
      if next.isWanted { start(next) }
    }
    counters.readsWaiting = readsWaiting.count
  }

  private func operation(for read: Read) -> StoreRequest.Operation? {
    switch read {
    case .load(let session, _):
      session.user.map {
        .conversations(of: $0.id, limit: limits.conversationsMax, countsUnread: true)
      }
    case .missed(_, let conversation, let after, let before, let limit),
      .hole(_, let conversation, let after, let before, let limit):
      .messages(in: conversation, after: after, before: before, limit: limit, fromStart: true)
    case .tail(let room, let after, let limit):
      .messages(
        in: room.conversation, after: after, before: sequenceEnd, limit: limit, fromStart: true)
    case .sweep(let user, _):
      .conversations(of: user.id, limit: limits.conversationsMax)
    case .history(let session, let history):
      session.user.flatMap { historyOperation(history, reader: $0.id) }
    case .conversations(_, _, let user):
      .conversations(of: user, limit: limits.conversationsMax, countsUnread: true)
    case .mark(let key, let mark):
      .mark(key.user, in: key.conversation, received: mark.received, read: mark.read)
    case .members(let session, let members):
      session.user.map {
        .members(
          of: ConversationID(room: members.room), reader: $0.id, after: members.after,
          limit: members.limit + 1)
      }
    }
  }
}

/// The numbers above `after` and below `before`.
struct SequenceSpan {
  var after: UInt64
  var before: UInt64
}
