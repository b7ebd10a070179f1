import ChatCore
import ChatProtocol
import SQLiteClient

/// A row that no version of this program has written.
struct CorruptTable: Error, CustomStringConvertible {
  let name: String
  var description: String { "a row of the table \(name) makes no sense" }
}

extension SQLiteMessages {
  func conversations(of user: UserID, limit: Int) throws -> [ConversationState] {
    defer { statements.conversations.reset() }
    try statements.conversations.bind(user.name, at: 1)
    try statements.conversations.bind(Int64(max(0, limit)), at: 2)
    var found: [ConversationState] = []
    while try statements.conversations.step() {
      found.append(
        ConversationState(
          conversation: ConversationID(key: statements.conversations.string(0)),
          head: statements.conversations.uint64(1) ?? 0,
          received: statements.conversations.uint64(2) ?? 0,
          read: statements.conversations.uint64(3) ?? 0))
    }
    return found
  }

  func messages(
    in conversation: ConversationID, after: UInt64, before: UInt64, limit: Int, fromStart: Bool
  ) throws -> [Message] {
    func rows(of statement: borrowing SQLiteStatement) throws -> [Message] {
      defer { statement.reset() }
      try statement.bind(conversation.key, at: 1)
      try statement.bind(Int64(clamping: after), at: 2)
      try statement.bind(Int64(clamping: before), at: 3)
      try statement.bind(Int64(max(0, limit)), at: 4)
      var found: [Message] = []
      while try statement.step() {
        found.append(try message(in: conversation, at: statement))
      }
      return found
    }
    return fromStart
      ? try rows(of: statements.firstMessages)
      : try rows(of: statements.lastMessages).reversed()
  }

  private func message(
    in conversation: ConversationID, at row: borrowing SQLiteStatement
  ) throws -> Message {
    guard let sequence = row.uint64(0), let sender = UserID(row.string(1)) else {
      throw CorruptTable(name: "messages")
    }
    return Message(
      conversation: conversation, sequence: sequence, sender: sender, clientID: row.string(2),
      timestamp: row.int64(3), body: row.bytes(4), reference: row.uint64(5))
  }
}
