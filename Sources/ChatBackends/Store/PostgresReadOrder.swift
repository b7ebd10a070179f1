import ChatProtocol

/// Tells which reads must wait for which writes, so that each sees what was submitted before it.
///
/// Writes are numbered as they come and answered in that order. Holds an entry per conversation
/// and per user with unanswered writes, which the store's budget bounds.
///
/// Who the members of a room are is not known here. A list of conversations therefore waits for all
/// writes to rooms, whose heads it may show.
struct PostgresReadOrder {
  private struct Unanswered {
    var last: UInt64
    /// Taken from the conversation's name once, not for each of its messages twice.
    let members: [UserID]
  }

  private var submitted: UInt64 = 0
  /// Writes up to this number are answered.
  private(set) var answered: UInt64 = 0
  private var conversations: [ConversationID: Unanswered] = [:]
  private var lastOfUser: [UserID: UInt64] = [:]
  private var lastInRooms: UInt64 = 0

  mutating func submitted(_ write: PostgresWrite) {
    submitted += 1
    let conversation = write.conversation
    let members = note(submitted, in: conversation)
    for member in members { lastOfUser[member] = submitted }
    if conversation.isRoom {
      // A mark in a room is seen by its member alone.
      if case .mark(let mark) = write {
        lastOfUser[mark.user] = submitted
      } else {
        lastInRooms = submitted
      }
    }
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

  /// The oldest write without an answer, which was this one, has one now.
  mutating func answered(_ write: PostgresWrite) {
    answered += 1
    if case .mark(let mark) = write { forget(mark.user) }
    // While the conversation has more of them, so do its members.
    guard let index = conversations.index(forKey: write.conversation),
      conversations.values[index].last == answered
    else { return }
    for member in conversations.remove(at: index).value.members { forget(member) }
  }

  private mutating func forget(_ user: UserID) {
    if lastOfUser[user] == answered { lastOfUser[user] = nil }
  }

  /// The number up to which writes must be answered before this read; 0 when there is none.
  func lastWrite(before subject: PostgresRead.Subject) -> UInt64 {
    switch subject {
    case .conversations(let user, _, _):
      max(lastOfUser[user] ?? 0, lastInRooms > answered ? lastInRooms : 0)
    case .messages(let conversation, _, _), .members(let conversation, _, _, _):
      conversations[conversation]?.last ?? 0
    }
  }
}
