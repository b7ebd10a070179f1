import ChatCore
import SQLiteClient

/// The statements of the message store, compiled once.
final class SQLiteStatements {
  let head: SQLiteStatement
  let storeHead: SQLiteStatement
  /// Apart from `storeHead`, which changes what no index has.
  let storeFirst: SQLiteStatement
  let createConversation: SQLiteStatement
  let createMember: SQLiteStatement
  let insert: SQLiteStatement
  let earlier: SQLiteStatement
  let target: SQLiteStatement
  let edit: SQLiteStatement
  let delete: SQLiteStatement
  let deleteEdits: SQLiteStatement
  let conversations: SQLiteStatement
  let firstMessages: SQLiteStatement
  let lastMessages: SQLiteStatement
  let marks: SQLiteStatement
  let storeMarks: SQLiteStatement
  let rooms: SQLiteRoomStatements
  let retention: SQLiteRetentionStatements

  init(_ connection: borrowing SQLiteConnection) throws {
    head = try connection.prepare(
      "SELECT id, last_seq, last_ts, low_seq, first_ts FROM conversations WHERE key = ?1")
    storeHead = try connection.prepare(
      "UPDATE conversations SET last_seq = ?2, last_ts = ?3 WHERE id = ?1")
    storeFirst = try connection.prepare("UPDATE conversations SET first_ts = ?2 WHERE id = ?1")
    createConversation = try connection.prepare(
      "INSERT INTO conversations (key, last_seq, last_ts) VALUES (?1, 0, 0)")
    createMember = try connection.prepare(
      "INSERT INTO members (user, conversation) VALUES (?1, ?2)")
    insert = try connection.prepare(
      """
      INSERT INTO messages (conversation, seq, sender, cid, ts, reference, body, kind)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (sender, cid) DO NOTHING
      """)
    earlier = try connection.prepare(
      """
      SELECT m.seq, m.ts, m.body, m.reference, c.key, m.kind, m.deleted_by
      FROM messages m JOIN conversations c ON c.id = m.conversation
      WHERE m.sender = ?1 AND m.cid = ?2
      """)
    target = try connection.prepare(
      "SELECT sender, kind, deleted_by FROM messages WHERE conversation = ?1 AND seq = ?2")
    edit = try connection.prepare(
      "UPDATE messages SET edited_by = ?3 WHERE conversation = ?1 AND seq = ?2")
    delete = try connection.prepare(
      "UPDATE messages SET body = x'', deleted_by = ?3 WHERE conversation = ?1 AND seq = ?2")
    deleteEdits = try connection.prepare(
      """
      UPDATE messages SET body = x'', deleted_by = ?3
      WHERE conversation = ?1 AND reference = ?2 AND kind = 1
      """)
    conversations = try connection.prepare(Self.conversations)
    firstMessages = try connection.prepare(Self.messages(order: "ASC"))
    lastMessages = try connection.prepare(Self.messages(order: "DESC"))
    marks = try connection.prepare(
      "SELECT recv, read FROM members WHERE user = ?1 AND conversation = ?2")
    storeMarks = try connection.prepare(
      "UPDATE members SET recv = ?3, read = ?4 WHERE user = ?1 AND conversation = ?2")
    rooms = try SQLiteRoomStatements(connection)
    retention = try SQLiteRetentionStatements(connection)
  }

  private static func messages(order: String) -> String {
    """
    SELECT seq, sender, cid, ts,
      CASE WHEN edited_by IS NULL OR deleted_by IS NOT NULL THEN body ELSE (
        SELECT e.body FROM messages e
        WHERE e.conversation = m.conversation AND e.seq = m.edited_by
      ) END,
      reference, kind, edited_by, deleted_by
    FROM messages m
    WHERE conversation = (SELECT id FROM conversations WHERE key = ?1)
      AND seq > ?2 AND seq < ?3 ORDER BY seq \(order) LIMIT ?4
    """
  }

  /// The other member's marks are found by the name, which is the other half of the key; a room's
  /// has no such half. What is unread is counted where ?3 is not 0.
  private static let conversations = """
    SELECT c.key, c.last_seq, c.recv, c.read, p.recv, p.read,
      c.role, CASE WHEN r.is_public THEN 0 ELSE c.since END, r.member_count, r.name, r.topic,
      r.is_public, c.came, c.retain_days, c.low_seq,
      CASE WHEN ?3 AND c.last_seq > \(unreadStart) THEN (
        SELECT count(*) FROM messages m
        WHERE m.conversation = c.id AND m.seq > \(unreadStart)
          AND m.kind = 0 AND m.sender <> c.user AND m.deleted_by IS NULL
      ) ELSE 0 END
    FROM (
      SELECT c.*, m.user, m.recv, m.read, m.role, m.since, m.came
      FROM members m JOIN conversations c ON c.id = m.conversation
      WHERE m.user = ?1 ORDER BY c.last_ts DESC, c.key LIMIT ?2
    ) c
    LEFT JOIN rooms r ON r.conversation = c.id
    LEFT JOIN members p ON p.conversation = c.id AND p.user <> c.user AND p.user =
      CASE WHEN substr(c.key, 1, instr(c.key, ':') - 1) = c.user
        THEN substr(c.key, instr(c.key, ':') + 1)
        ELSE substr(c.key, 1, instr(c.key, ':') - 1) END
    ORDER BY c.last_ts DESC, c.key
    """

  private static let unreadStart = """
    max(c.read, c.low_seq, c.last_seq - \(ConversationState.unreadEntriesMax),
      CASE WHEN r.is_public THEN 0 ELSE c.since END)
    """
}

/// Those about rooms and their members.
final class SQLiteRoomStatements {
  let room: SQLiteStatement
  let storeRoom: SQLiteStatement
  let storeRetention: SQLiteStatement
  let author: SQLiteStatement
  let next: SQLiteStatement
  let addMember: SQLiteStatement
  let removeMember: SQLiteStatement
  let storeRole: SQLiteStatement
  let members: SQLiteStatement

  init(_ connection: borrowing SQLiteConnection) throws {
    room = try connection.prepare(
      """
      SELECT r.name, r.topic, r.is_public, r.member_count, c.retain_days
      FROM rooms r JOIN conversations c ON c.id = r.conversation WHERE r.conversation = ?1
      """)
    storeRetention = try connection.prepare(
      "UPDATE conversations SET retain_days = ?2 WHERE id = ?1 AND retain_days <> ?2")
    storeRoom = try connection.prepare(
      """
      INSERT INTO rooms (conversation, name, topic, is_public, member_count)
      VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (conversation) DO UPDATE SET
        name = excluded.name, topic = excluded.topic, is_public = excluded.is_public,
        member_count = excluded.member_count
      """)
    author = try connection.prepare(
      """
      SELECT m.role, CASE WHEN r.is_public THEN 0 ELSE m.since END
      FROM members m JOIN rooms r ON r.conversation = m.conversation
      WHERE m.user = ?1 AND m.conversation = ?2
      """)
    next = try connection.prepare(
      """
      SELECT user, role FROM members
      WHERE conversation = ?1 AND user <> ?2 AND came IS NOT NULL
      ORDER BY role DESC, came, user LIMIT 1
      """)
    addMember = try connection.prepare(
      "INSERT INTO members (user, conversation, role, since, came) VALUES (?1, ?2, ?3, ?4, ?5)")
    removeMember = try connection.prepare(
      "DELETE FROM members WHERE user = ?1 AND conversation = ?2")
    storeRole = try connection.prepare(
      "UPDATE members SET role = ?3 WHERE user = ?1 AND conversation = ?2")
    members = try connection.prepare(
      """
      SELECT user, role, recv, read FROM members
      WHERE conversation = ?1 AND user > ?2 AND came IS NOT NULL ORDER BY user LIMIT ?3
      """)
  }
}
