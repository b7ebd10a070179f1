import ChatCore
import ChatProtocol
import SQLiteClient

/// The messages in one SQLite database. Confined to the thread that made it.
final class SQLiteMessages {
  /// A conversation's row, read once per transaction and written back before its end.
  private struct Head {
    let conversation: ConversationID
    let id: Int64
    var sequence: Int64
    var timestamp: Timestamp
    var isStored: Bool
  }

  private let connection: SQLiteConnection
  let statements: SQLiteStatements
  /// Those of the transaction, and where each conversation's is among them.
  private var heads: [Head] = []
  private var places: [ConversationID: Int] = [:]

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
      try storeHeads { _ in true }
      try connection.execute("COMMIT")
      forgetHeads()
      return replies
    } catch {
      forgetHeads()
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
      // Not all of them: a node asks for each user once a minute, and would write every
      // conversation of the group each time.
      try storeHeads { $0.conversation.includes(user) }
      return .conversations(try conversations(of: user, limit: limit))
    case .changeRoom, .mark, .members:
      return .unavailable
    case .messages(let conversation, _, let after, let before, let limit, let fromStart):
      return .messages(
        try messages(
          in: conversation, after: after, before: before, limit: limit, fromStart: fromStart))
    }
  }

  // MARK: Appending

  private func append(_ draft: Draft) throws -> StoreReply.Result {
    guard let place = try place(of: draft.conversation) else {
      // The conversation is made by a message that is kept, not by a conflict.
      if let earlier = try earlier(draft) { return earlier }
      try create(draft.conversation)
      return try append(draft)
    }
    var head = heads[place]
    head.sequence += 1
    head.timestamp = max(head.timestamp, draft.timestamp)
    guard try insert(draft, head: head) else {
      guard let earlier = try earlier(draft) else { throw CorruptTable(name: "messages") }
      return earlier
    }
    head.isStored = false
    heads[place] = head
    return .appended(
      sequence: UInt64(head.sequence), timestamp: head.timestamp, isDuplicate: false)
  }

  /// False when the sender has used the client id before.
  private func insert(_ draft: Draft, head: Head) throws -> Bool {
    var sender = draft.sender.name
    return try sender.withUTF8 { sender in
      try draft.content.withClientID { clientID in
        try draft.content.withBody { body in
          try insert(
            sender: UnsafeRawBufferPointer(sender), clientID: clientID, body: body,
            reference: draft.reference, head: head)
        }
      }
    }
  }

  private func insert(
    sender: UnsafeRawBufferPointer, clientID: UnsafeRawBufferPointer,
    body: UnsafeRawBufferPointer, reference: UInt64?, head: Head
  ) throws -> Bool {
    defer { statements.insert.reset() }
    try statements.insert.bind(head.id, at: 1)
    try statements.insert.bind(head.sequence, at: 2)
    try statements.insert.bind(borrowedText: sender, at: 3)
    try statements.insert.bind(borrowedText: clientID, at: 4)
    try statements.insert.bind(head.timestamp, at: 5)
    try statements.insert.bind(reference.map { Int64(clamping: $0) }, at: 6)
    try statements.insert.bind(borrowedBlob: body, at: 7)
    _ = try statements.insert.step()
    return connection.changes == 1
  }

  /// What the message with this sender and client id answers to the draft; nil without one.
  private func earlier(_ draft: Draft) throws -> StoreReply.Result? {
    defer { statements.earlier.reset() }
    try statements.earlier.bind(draft.sender.name, at: 1)
    try statements.earlier.bind(draft.content.clientID, at: 2)
    guard try statements.earlier.step() else { return nil }
    let sequence = UInt64(clamping: statements.earlier.int64(0))
    let isSame =
      statements.earlier.string(4) == draft.conversation.key
      && statements.earlier.uint64(3) == draft.reference
      && statements.earlier.withBytes(2) { $0.elementsEqual(draft.content.body) }
    guard isSame else { return .conflict }
    return .appended(
      sequence: sequence, timestamp: statements.earlier.int64(1), isDuplicate: true)
  }

  private func place(of conversation: ConversationID) throws -> Int? {
    if let place = places[conversation] { return place }
    defer { statements.head.reset() }
    try statements.head.bind(conversation.key, at: 1)
    guard try statements.head.step() else { return nil }
    let head = Head(
      conversation: conversation, id: statements.head.int64(0), sequence: statements.head.int64(1),
      timestamp: statements.head.int64(2), isStored: true)
    return note(head)
  }

  private func note(_ head: Head) -> Int {
    heads.append(head)
    places[head.conversation] = heads.count - 1
    return heads.count - 1
  }

  private func forgetHeads() {
    heads.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
  }

  /// Lets go of what is only there to be faster.
  func releaseMemory() {
    heads = []
    places = [:]
    connection.releaseMemory()
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
    _ = note(
      Head(conversation: conversation, id: id, sequence: 0, timestamp: 0, isStored: true))
  }

  private func storeHeads(where isWanted: (Head) -> Bool) throws {
    for place in heads.indices where !heads[place].isStored && isWanted(heads[place]) {
      try statements.storeHead.bind(heads[place].id, at: 1)
      try statements.storeHead.bind(heads[place].sequence, at: 2)
      try statements.storeHead.bind(heads[place].timestamp, at: 3)
      try statements.storeHead.run()
      heads[place].isStored = true
    }
  }
}
