import ChatCore
import ChatProtocol
import SQLiteClient

/// A row that no version of this program has written.
struct CorruptTable: Error, CustomStringConvertible {
  let name: String
  var description: String { "a row of the table \(name) makes no sense" }
}

extension SQLiteMessages {
  func conversations(
    of user: UserID, limit: Int, countsUnread: Bool
  ) throws -> [ConversationState] {
    defer { statements.conversations.reset() }
    try statements.conversations.bind(user.name, at: 1)
    try statements.conversations.bind(Int64(max(0, limit)), at: 2)
    try statements.conversations.bind(countsUnread ? 1 : 0, at: 3)
    var found: [ConversationState] = []
    while try statements.conversations.step() {
      found.append(try conversation(at: statements.conversations))
    }
    return found
  }

  private func conversation(at row: borrowing SQLiteStatement) throws -> ConversationState {
    var peer: PeerMarks?
    if let received = row.uint64(4) {
      peer = PeerMarks(received: received, read: row.uint64(5) ?? 0)
    }
    var room: RoomSummary?
    if let memberCount = row.uint64(8) {
      guard let role = RoomRole(stored: row.int64(6)) else { throw CorruptTable(name: "members") }
      room = RoomSummary(
        role: role, since: row.uint64(7) ?? 0, joined: row.uint64(12) ?? 0,
        memberCount: Int(clamping: memberCount),
        settings: RoomSettings(
          name: row.string(9), topic: row.string(10), isPublic: row.int64(11) != 0,
          retainDays: Int(clamping: row.int64(13))))
    }
    return ConversationState(
      conversation: ConversationID(key: row.string(0)), head: row.uint64(1) ?? 0,
      received: row.uint64(2) ?? 0, read: row.uint64(3) ?? 0, peer: peer, room: room,
      lowWaterMark: row.uint64(14) ?? 0, unread: row.uint64(15) ?? 0)
  }

  /// What the reader may see is above this; nil: nothing at all. Only rooms are checked, and only
  /// for a reader.
  func firstVisible(in conversation: ConversationID, to reader: UserID?) throws -> UInt64? {
    guard conversation.isRoom, let reader else { return 0 }
    guard let place = try place(of: conversation) else { return nil }
    return try author(reader, in: heads[place].id)?.since
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
    guard let sequence = row.uint64(0), let sender = UserID(row.string(1)),
      let kind = EntryKind(stored: row.int64(6))
    else { throw CorruptTable(name: "messages") }
    let revision = Revision(editedBy: row.uint64(7), deletedBy: row.uint64(8))
    var body = Message.emptyBody
    if case .deleted = revision {} else { body = row.bytes(4) }
    return Message(
      conversation: conversation, sequence: sequence, sender: sender,
      content: MessageContent(clientID: row.string(2), body: body), timestamp: row.int64(3),
      kind: kind, reference: row.uint64(5), revision: revision)
  }
}
