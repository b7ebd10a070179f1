import ChatProtocol

/// Tells which reads must wait for which appends, so that each sees what was submitted before it.
///
/// Appends are numbered as they come and answered in that order. Holds an entry per conversation
/// and per user with unanswered appends, which the store's budget bounds.
struct PostgresReadOrder {
  private struct Unanswered {
    var last: UInt64
    /// Taken from the conversation's name once, not for each of its messages twice.
    let members: [UserID]
  }

  private var submitted: UInt64 = 0
  /// Appends up to this number are answered.
  private(set) var answered: UInt64 = 0
  private var conversations: [ConversationID: Unanswered] = [:]
  private var lastOfUser: [UserID: UInt64] = [:]

  mutating func submitted(in conversation: ConversationID) {
    submitted += 1
    let members = note(submitted, in: conversation)
    for member in members { lastOfUser[member] = submitted }
  }

  private mutating func note(_ number: UInt64, in conversation: ConversationID) -> [UserID] {
    guard let index = conversations.index(forKey: conversation) else {
      let members = conversation.members
      conversations[conversation] = Unanswered(last: number, members: members)
      return members
    }
    conversations.values[index].last = number
    return conversations.values[index].members
  }

  /// The oldest append without an answer, which was for this conversation, has one now.
  mutating func answered(in conversation: ConversationID) {
    answered += 1
    // While the conversation has more of them, so do its members.
    guard let index = conversations.index(forKey: conversation),
      conversations.values[index].last == answered
    else { return }
    for member in conversations.remove(at: index).value.members {
      if lastOfUser[member] == answered { lastOfUser[member] = nil }
    }
  }

  /// The number up to which appends must be answered before this read; 0 when there is none.
  func lastAppend(before subject: PostgresRead.Subject) -> UInt64 {
    switch subject {
    case .conversations(let user, _): lastOfUser[user] ?? 0
    case .messages(let conversation, _, _, _, _): conversations[conversation]?.last ?? 0
    }
  }
}
