import SQLiteClient

/// The statements of the message store, compiled once.
final class SQLiteStatements {
  let head: SQLiteStatement
  let storeHead: SQLiteStatement
  let createConversation: SQLiteStatement
  let createMember: SQLiteStatement
  let insert: SQLiteStatement
  let earlier: SQLiteStatement
  let conversations: SQLiteStatement
  let firstMessages: SQLiteStatement
  let lastMessages: SQLiteStatement

  init(_ connection: borrowing SQLiteConnection) throws {
    head = try connection.prepare("SELECT id, last_seq, last_ts FROM conversations WHERE key = ?1")
    storeHead = try connection.prepare(
      "UPDATE conversations SET last_seq = ?2, last_ts = ?3 WHERE id = ?1")
    createConversation = try connection.prepare(
      "INSERT INTO conversations (key, last_seq, last_ts) VALUES (?1, 0, 0)")
    createMember = try connection.prepare(
      "INSERT INTO members (user, conversation) VALUES (?1, ?2)")
    insert = try connection.prepare(
      """
      INSERT INTO messages (conversation, seq, sender, cid, ts, reply_to, body)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (sender, cid) DO NOTHING
      """)
    earlier = try connection.prepare(
      """
      SELECT m.seq, m.ts, m.body, m.reply_to, c.key
      FROM messages m JOIN conversations c ON c.id = m.conversation
      WHERE m.sender = ?1 AND m.cid = ?2
      """)
    conversations = try connection.prepare(
      """
      SELECT c.key, c.last_seq, m.recv, m.read
      FROM members m JOIN conversations c ON c.id = m.conversation
      WHERE m.user = ?1 ORDER BY c.last_ts DESC, c.key LIMIT ?2
      """)
    firstMessages = try connection.prepare(Self.messages(order: "ASC"))
    lastMessages = try connection.prepare(Self.messages(order: "DESC"))
  }

  private static func messages(order: String) -> String {
    """
    SELECT seq, sender, cid, ts, body, reply_to FROM messages
    WHERE conversation = (SELECT id FROM conversations WHERE key = ?1)
      AND seq > ?2 AND seq < ?3 ORDER BY seq \(order) LIMIT ?4
    """
  }
}
