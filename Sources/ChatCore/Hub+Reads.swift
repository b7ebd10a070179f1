import ChatProtocol
import DequeModule

// Reads of the store: at most `readsInFlightMax` at a time, the others in order behind them.

/// A read of the store and what its answer is for.
enum Read {
  case load(Session)
  case missed(Session, ConversationID, after: UInt64, before: UInt64, limit: Int)
  case hole(User, ConversationID, after: UInt64, before: UInt64, limit: Int)
  case sweep(User)
  case history(Session, Command.History)
  case conversations(Session, RequestID?, UserID)

  /// Whether anyone still waits for the answer.
  var isWanted: Bool {
    switch self {
    case .load(let session), .missed(let session, _, _, _, _), .history(let session, _),
      .conversations(let session, _, _):
      session.isOpen
    case .hole(let user, _, _, _, _), .sweep(let user):
      !user.sessions.isEmpty
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
    switch read {
    case .load(let session):
      loaded(session, result)
    case .missed(let session, let conversation, let after, let before, let limit):
      let span = SequenceSpan(after: after, before: before)
      readMissed(session, conversation, span, limit: limit, result)
    case .hole(let user, let conversation, _, _, let limit):
      readHole(user, conversation, limit: limit, result)
    case .sweep(let user):
      swept(user, result)
    case .history(let session, let history):
      readHistory(session, history, result)
    case .conversations(let session, let id, let user):
      readConversations(session, id, user, result)
    }
    while counters.readsInFlight < limits.readsInFlightMax, let next = readsWaiting.popFirst() {
      if next.isWanted { start(next) }
    }
    counters.readsWaiting = readsWaiting.count
  }

  private func operation(for read: Read) -> StoreRequest.Operation? {
    switch read {
    case .load(let session):
      session.user.map { .conversations(of: $0.id, limit: limits.conversationsMax) }
    case .missed(_, let conversation, let after, let before, let limit),
      .hole(_, let conversation, let after, let before, let limit):
      .messages(in: conversation, after: after, before: before, limit: limit, fromStart: true)
    case .sweep(let user):
      .conversations(of: user.id, limit: limits.conversationsMax)
    case .history(let session, let history):
      session.user.flatMap { historyOperation(history, reader: $0.id) }
    case .conversations(_, _, let user):
      .conversations(of: user, limit: limits.conversationsMax)
    }
  }
}

/// The numbers above `after` and below `before`.
struct SequenceSpan {
  var after: UInt64
  var before: UInt64
}
