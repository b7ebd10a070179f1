import ChatCore
import ChatProtocol
import SQLiteClient

/// The messages in one SQLite database. Confined to the thread that made it.
final class SQLiteMessages {
  /// A conversation's row, read once per transaction and written back before its end.
  private struct Head {
    var id: Int64
    var sequence: Int64
    var timestamp: Timestamp
    var isStored: Bool
  }

  private let connection: SQLiteConnection
  let statements: SQLiteStatements
  private var heads: [ConversationID: Head] = [:]

  init(path: String) throws {
    connection = try SQLiteConnection(path: path)
    try SQLiteSchema.migrate(connection)
    statements = try SQLiteStatements(connection)
  }

  /// Adds one to the node's epoch and returns it.
  func nextEpoch(of node: NodeID) throws -> UInt64 {
    let statement = try connection.prepare(
      """
      INSERT INTO nodes (node, epoch) VALUES (?1, 1)
      ON CONFLICT (node) DO UPDATE SET epoch = epoch + 1 RETURNING epoch
      """)
    try statement.bind(node.name, at: 1)
    guard try statement.step() else { throw CorruptTable(name: "nodes") }
    let epoch = UInt64(clamping: statement.int64(0))
    // The row is there before the change is committed: that is done by the step that ends.
    _ = try statement.step()
    return epoch
  }

  /// Does all of the work in one transaction; throws when none of it was done.
  func perform(_ group: ArraySlice<StoreWork>) throws -> [[StoreReply]] {
    let writes = group.contains { work in work.requests.contains { $0.isAppend } }
    // A group of reads sees one state of the database; only writers take the write lock.
    try connection.execute(writes ? "BEGIN IMMEDIATE" : "BEGIN")
    do {
      var replies: [[StoreReply]] = []
      replies.reserveCapacity(group.count)
      for work in group {
        try replies.append(
          work.requests.map { try StoreReply(token: $0.token, result: answer($0.operation)) })
      }
      try storeHeads()
      try connection.execute("COMMIT")
      heads.removeAll(keepingCapacity: true)
      return replies
    } catch {
      heads.removeAll()
      // Some failures have ended the transaction already.
      if !connection.isAutocommit { try connection.execute("ROLLBACK") }
      throw error
    }
  }

  private func answer(_ operation: StoreRequest.Operation) throws -> StoreReply.Result {
    switch operation {
    case .append(let draft):
      return try append(draft)
    case .conversations(let user, let limit):
      try storeHeads()
      return .conversations(try conversations(of: user, limit: limit))
    case .messages(let conversation, let after, let before, let limit, let fromStart):
      return .messages(
        try messages(
          in: conversation, after: after, before: before, limit: limit, fromStart: fromStart))
    }
  }

  // MARK: Appending

  private func append(_ draft: Draft) throws -> StoreReply.Result {
    guard var head = try head(of: draft.conversation) else {
      // The conversation is made by a message that is kept, not by a conflict.
      if let earlier = try earlier(draft) { return earlier }
      try create(draft.conversation)
      return try append(draft)
    }
    head.sequence += 1
    head.timestamp = max(head.timestamp, draft.timestamp)
    guard try insert(draft, head: head) else {
      guard let earlier = try earlier(draft) else { throw CorruptTable(name: "messages") }
      return earlier
    }
    head.isStored = false
    heads[draft.conversation] = head
    return .appended(
      sequence: UInt64(head.sequence), timestamp: head.timestamp, isDuplicate: false)
  }

  /// False when the sender has used the client id before.
  private func insert(_ draft: Draft, head: Head) throws -> Bool {
    try draft.body.withUnsafeBytes { body in
      defer { statements.insert.reset() }
      try statements.insert.bind(head.id, at: 1)
      try statements.insert.bind(head.sequence, at: 2)
      try statements.insert.bind(draft.sender.name, at: 3)
      try statements.insert.bind(draft.clientID, at: 4)
      try statements.insert.bind(head.timestamp, at: 5)
      try statements.insert.bind(draft.replyTo.map { Int64(clamping: $0) }, at: 6)
      try statements.insert.bind(borrowedBlob: body, at: 7)
      _ = try statements.insert.step()
      return connection.changes == 1
    }
  }

  /// What the message with this sender and client id answers to the draft; nil without one.
  private func earlier(_ draft: Draft) throws -> StoreReply.Result? {
    defer { statements.earlier.reset() }
    try statements.earlier.bind(draft.sender.name, at: 1)
    try statements.earlier.bind(draft.clientID, at: 2)
    guard try statements.earlier.step() else { return nil }
    let sequence = UInt64(clamping: statements.earlier.int64(0))
    let isSame =
      statements.earlier.string(4) == draft.conversation.key
      && statements.earlier.uint64(3) == draft.replyTo
      && statements.earlier.withBytes(2) { $0.elementsEqual(draft.body) }
    guard isSame else { return .conflict }
    return .appended(
      sequence: sequence, timestamp: statements.earlier.int64(1), isDuplicate: true)
  }

  private func head(of conversation: ConversationID) throws -> Head? {
    if let head = heads[conversation] { return head }
    defer { statements.head.reset() }
    try statements.head.bind(conversation.key, at: 1)
    guard try statements.head.step() else { return nil }
    let head = Head(
      id: statements.head.int64(0), sequence: statements.head.int64(1),
      timestamp: statements.head.int64(2), isStored: true)
    heads[conversation] = head
    return head
  }

  private func create(_ conversation: ConversationID) throws {
    try statements.createConversation.bind(conversation.key, at: 1)
    try statements.createConversation.run()
    let id = connection.lastInsertedRowID
    for member in conversation.members {
      try statements.createMember.bind(member.name, at: 1)
      try statements.createMember.bind(id, at: 2)
      try statements.createMember.run()
    }
    heads[conversation] = Head(id: id, sequence: 0, timestamp: 0, isStored: true)
  }

  private func storeHeads() throws {
    for (conversation, head) in heads where !head.isStored {
      try statements.storeHead.bind(head.id, at: 1)
      try statements.storeHead.bind(head.sequence, at: 2)
      try statements.storeHead.bind(head.timestamp, at: 3)
      try statements.storeHead.run()
      heads[conversation]?.isStored = true
    }
  }
}
