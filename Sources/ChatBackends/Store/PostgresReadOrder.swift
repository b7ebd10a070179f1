import ChatProtocol

/// Tells which reads must wait for which appends, so that each sees what was submitted before it.
///
/// Appends are numbered as they come and answered in that order. Holds an entry per conversation
/// and per user with unanswered appends, which the store's budget bounds.
struct PostgresReadOrder {
  private var submitted: UInt64 = 0
  /// Appends up to this number are answered.
  private(set) var answered: UInt64 = 0
  private var lastInConversation: [ConversationID: UInt64] = [:]
  private var lastOfUser: [UserID: UInt64] = [:]

  mutating func submitted(in conversation: ConversationID) {
    submitted += 1
    lastInConversation[conversation] = submitted
    for member in conversation.members { lastOfUser[member] = submitted }
  }

  /// The oldest append without an answer, which was for this conversation, has one now.
  mutating func answered(in conversation: ConversationID) {
    answered += 1
    if lastInConversation[conversation] == answered { lastInConversation[conversation] = nil }
    for member in conversation.members where lastOfUser[member] == answered {
      lastOfUser[member] = nil
    }
  }

  /// The number up to which appends must be answered before this read; 0 when there is none.
  func lastAppend(before subject: PostgresRead.Subject) -> UInt64 {
    switch subject {
    case .conversations(let user, _): lastOfUser[user] ?? 0
    case .messages(let conversation, _, _, _, _): lastInConversation[conversation] ?? 0
    }
  }
}
