import ChatCore
import ChatProtocol

// What of a conversation is for whom, by all that was written until now.
extension SimulatedStore {
  func entry(_ sequence: UInt64, of conversation: ConversationID) -> Message? {
    guard let log = logs[conversation], 1...UInt64(log.count) ~= sequence else { return nil }
    return log[Int(sequence) - 1]
  }

  func isMember(_ user: UserID, of conversation: ConversationID) -> Bool {
    guard conversation.isRoom else { return conversation.members.contains(user) }
    return members[conversation]?[user] != nil
  }

  func stays(of user: UserID, in room: ConversationID) -> [Stay] { stays[room]?[user] ?? [] }

  /// Whether the user was a member with this head.
  func isMember(_ user: UserID, of conversation: ConversationID, at head: UInt64) -> Bool {
    guard conversation.isRoom else { return conversation.members.contains(user) }
    return stays(of: user, in: conversation).contains {
      $0.joined <= head && head < $0.left ?? .max
    }
  }

  /// Whether the user may see the entry.
  func isVisible(
    _ sequence: UInt64, of conversation: ConversationID, to user: UserID
  ) -> Bool {
    guard conversation.isRoom else { return conversation.members.contains(user) }
    return stays(of: user, in: conversation).contains {
      $0.since < sequence && sequence <= $0.left ?? .max
    }
  }

  /// Whether the user's devices are to get the entry without asking: it was written while the user was a
  /// member, and is there still.
  func isOwed(_ sequence: UInt64, of conversation: ConversationID, to user: UserID) -> Bool {
    guard sequence > lowWaterMark(of: conversation) else { return false }
    guard conversation.isRoom else { return conversation.members.contains(user) }
    let stays = stays(of: user, in: conversation)
    guard let last = stays.last, sequence > last.since else { return false }
    return stays.contains { $0.joined <= sequence && sequence <= $0.left ?? .max }
  }
}
