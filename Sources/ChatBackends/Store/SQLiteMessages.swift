import ChatCore
import ChatProtocol
import SQLiteClient

/// The messages in one SQLite database. Confined to the thread that made it.
final class SQLiteMessages {
  /// A conversation's row, read once per transaction and written back before its end.
  struct Head {
    let conversation: ConversationID
    let id: Int64
    var sequence: Int64
    var timestamp: Timestamp
    /// The entries up to here are removed.
    let lowWaterMark: Int64
    /// Of the first entry that is not; nil without one.
    var firstTimestamp: Timestamp?
    var isStored: Bool
    var isFirstStored = true
  }

  let connection: SQLiteConnection
  let statements: SQLiteStatements
  /// Those of the transaction, and where each conversation's is among them.
  var heads: [Head] = []
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
    let writes = group.contains { work in work.requests.contains { $0.isWrite } }
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
    case .changeRoom(let draft):
      return try change(draft)
    case .mark(let user, let conversation, let received, let read):
      return try mark(user, in: conversation, received: received, read: read)
    case .conversations(let user, let limit, let countsUnread):
      // Not all of them: a node asks for each user once a minute, and would write every
      // conversation of the group each time. Whose the rooms are the table knows.
      try storeHeads { $0.conversation.isRoom || $0.conversation.includes(user) }
      return .conversations(
        try conversations(of: user, limit: limit, countsUnread: countsUnread))
    case .messages(
      let conversation, let reader, let after, let before, let limit, let fromStart):
      guard let start = try firstVisible(in: conversation, to: reader) else {
        return .refused(.notFound)
      }
      let found = try messages(
        in: conversation, after: max(after, start), before: before, limit: limit,
        fromStart: fromStart)
      let lowWaterMark = try place(of: conversation).map { heads[$0].lowWaterMark } ?? 0
      return .messages(found, lowWaterMark: UInt64(clamping: lowWaterMark))
    case .members(let room, let reader, let after, let limit):
      guard let members = try members(of: room, seenBy: reader, after: after, limit: limit) else {
        return .refused(.notFound)
      }
      return .members(members)
    case .removeExpired(let keptSince, let now, let limit):
      // The rows are changed behind the heads.
      try storeHeads { _ in true }
      defer { forgetHeads() }
      return try removeExpired(keptSince: keptSince, now: now, limit: limit)
    }
  }

  // MARK: Heads

  func place(of conversation: ConversationID) throws -> Int? {
    if let place = places[conversation] { return place }
    defer { statements.head.reset() }
    try statements.head.bind(conversation.key, at: 1)
    guard try statements.head.step() else { return nil }
    let head = Head(
      conversation: conversation, id: statements.head.int64(0), sequence: statements.head.int64(1),
      timestamp: statements.head.int64(2), lowWaterMark: statements.head.int64(3),
      firstTimestamp: statements.head.optionalInt64(4), isStored: true)
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

  /// Makes the row of a conversation that has none, and those of a direct one's members.
  func create(_ conversation: ConversationID) throws -> Int {
    try statements.createConversation.bind(conversation.key, at: 1)
    try statements.createConversation.run()
    let id = connection.lastInsertedRowID
    for member in conversation.members {
      try statements.createMember.bind(member.name, at: 1)
      try statements.createMember.bind(id, at: 2)
      try statements.createMember.run()
    }
    return note(
      Head(
        conversation: conversation, id: id, sequence: 0, timestamp: 0, lowWaterMark: 0,
        firstTimestamp: nil, isStored: true))
  }

  private func storeHeads(where isWanted: (Head) -> Bool) throws {
    for place in heads.indices where !heads[place].isStored && isWanted(heads[place]) {
      try statements.storeHead.bind(heads[place].id, at: 1)
      try statements.storeHead.bind(heads[place].sequence, at: 2)
      try statements.storeHead.bind(heads[place].timestamp, at: 3)
      try statements.storeHead.run()
      heads[place].isStored = true
      guard !heads[place].isFirstStored else { continue }
      try statements.storeFirst.bind(heads[place].id, at: 1)
      try statements.storeFirst.bind(heads[place].firstTimestamp, at: 2)
      try statements.storeFirst.run()
      heads[place].isFirstStored = true
    }
  }
}
