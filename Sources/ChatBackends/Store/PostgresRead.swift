import ChatCore
import ChatProtocol
import PostgresClient

/// A request that only reads.
struct PostgresRead {
  enum Subject {
    case conversations(of: UserID, limit: Int)
    case messages(in: ConversationID, after: UInt64, before: UInt64, limit: Int, fromStart: Bool)
  }

  let subject: Subject
  let origin: PostgresRequestOrigin

  static let statements = [
    PostgresQuery(
      .prepare(
        name: "chat_conversations",
        sql: """
          SELECT c.key, c.last_seq, m.recv, m.read
          FROM members m JOIN conversations c ON c.id = m.conversation
          WHERE m.name = $1 ORDER BY c.last_ts DESC, c.key LIMIT $2
          """, types: [])),
    messages(name: "chat_messages_first", order: "ASC"),
    messages(name: "chat_messages_last", order: "DESC"),
  ]

  private static func messages(name: String, order: String) -> PostgresQuery {
    PostgresQuery(
      .prepare(
        name: name,
        sql: """
          SELECT seq, sender, cid, ts, body, reply_to FROM messages
          WHERE conversation = (SELECT id FROM conversations WHERE key = $1)
            AND seq > $2 AND seq < $3 ORDER BY seq \(order) LIMIT $4
          """, types: []))
  }

  func query() -> PostgresQuery {
    switch subject {
    case .conversations(let user, let limit):
      PostgresQuery(
        .prepared(name: "chat_conversations"), [.text(user.name), .int8(Int64(max(0, limit)))])
    case .messages(let conversation, let after, let before, let limit, let fromStart):
      PostgresQuery(
        .prepared(name: fromStart ? "chat_messages_first" : "chat_messages_last"),
        [
          .text(conversation.key), .int8(Int64(clamping: after)), .int8(Int64(clamping: before)),
          .int8(Int64(max(0, limit))),
        ])
    }
  }

  /// Nil when the rows are not what the statement gives.
  func result(_ rows: PostgresRows) -> StoreReply.Result? {
    switch subject {
    case .conversations:
      let states = (0..<rows.count).compactMap { conversation(rows, $0) }
      return states.count == rows.count ? .conversations(states) : nil
    case .messages(let conversation, _, _, _, let fromStart):
      let messages = (0..<rows.count).compactMap { message(rows, $0, in: conversation) }
      guard messages.count == rows.count else { return nil }
      return .messages(fromStart ? messages : messages.reversed())
    }
  }

  private func conversation(_ rows: PostgresRows, _ row: Int) -> ConversationState? {
    guard let key = rows.string(row, 0), let head = rows.int64(row, 1),
      let received = rows.int64(row, 2), let read = rows.int64(row, 3)
    else { return nil }
    return ConversationState(
      conversation: ConversationID(key: key), head: UInt64(clamping: head),
      received: UInt64(clamping: received), read: UInt64(clamping: read))
  }

  private func message(
    _ rows: PostgresRows, _ row: Int, in conversation: ConversationID
  ) -> Message? {
    guard let sequence = rows.int64(row, 0), let sender = rows.string(row, 1),
      let sender = UserID(sender), let clientID = rows.string(row, 2),
      let timestamp = rows.int64(row, 3), let body = rows.bytes(row, 4)
    else { return nil }
    return Message(
      conversation: conversation, sequence: UInt64(clamping: sequence), sender: sender,
      clientID: clientID, timestamp: timestamp, body: body,
      reference: rows.int64(row, 5).map { UInt64(clamping: $0) })
  }
}
