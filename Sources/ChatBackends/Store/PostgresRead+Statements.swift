import ChatCore
import PostgresClient

extension PostgresRead {
  static let statements = [
    statement("chat_conversations", conversations),
    statement("chat_members", members),
    statement("chat_messages_first", messages(order: "ASC")),
    statement("chat_messages_last", messages(order: "DESC")),
    statement("chat_seen_first", seen(order: "ASC")),
    statement("chat_seen_last", seen(order: "DESC")),
  ]

  private static func statement(_ name: String, _ sql: String) -> PostgresQuery {
    PostgresQuery(.prepare(name: name, sql: sql, types: []))
  }

  /// For each user of $1, at most $2. The other member's marks are found by the name, which is the
  /// other half of the key; a room's has no such half. What is unread is counted where $3 is not 0.
  private static let conversations = """
    SELECT u.place, c.key, c.last_seq, c.recv, c.read, p.recv, p.read, c.role::integer,
      CASE WHEN r.is_public THEN 0 ELSE c.since END, r.member_count, r.name, r.topic,
      r.is_public::integer, c.came, c.retain_days, c.low_seq,
      CASE WHEN $3::bigint <> 0 AND c.last_seq > \(unreadStart)
        THEN chat_unread(c.id, \(unreadStart), c.last_seq, c.name) ELSE 0 END
    FROM unnest($1::text[]) WITH ORDINALITY u(name, place)
    CROSS JOIN LATERAL (
      SELECT c.*, m.name, m.recv, m.read, m.role, m.since, m.came
      FROM members m JOIN conversations c ON c.id = m.conversation
      WHERE m.name = u.name ORDER BY c.last_ts DESC, c.key LIMIT $2
    ) c
    LEFT JOIN rooms r ON r.conversation = c.id
    LEFT JOIN members p ON p.conversation = c.id AND p.name <> c.name AND p.name =
      CASE WHEN split_part(c.key, ':', 1) = c.name
        THEN split_part(c.key, ':', 2) ELSE split_part(c.key, ':', 1) END
    ORDER BY u.place, c.last_ts DESC, c.key
    """

  private static let unreadStart = """
    greatest(c.read, c.low_seq, c.last_seq - \(ConversationState.unreadEntriesMax),
      CASE WHEN r.is_public THEN 0 ELSE c.since END)
    """

  /// One row without a name for a member when there is nobody to list; none for others.
  private static let members = """
    SELECT l.name, l.role::integer, l.recv, l.read FROM (
      SELECT c.id FROM conversations c
      JOIN members p ON p.conversation = c.id AND p.name = $2 AND p.came IS NOT NULL
      WHERE c.key = $1
    ) v
    LEFT JOIN LATERAL (
      SELECT m.name, m.role, m.recv, m.read FROM members m
      WHERE m.conversation = v.id AND m.name > $3 AND m.came IS NOT NULL ORDER BY m.name LIMIT $4
    ) l ON true
    ORDER BY l.name
    """

  /// One row without an entry when a conversation has none to give; none without a conversation.
  private static func messages(order: String) -> String {
    """
    SELECT l.*, v.low_seq FROM (
      SELECT c.id, c.low_seq FROM conversations c WHERE c.key = $1
    ) v
    LEFT JOIN LATERAL (
      SELECT \(columns) FROM messages m
      WHERE conversation = v.id AND seq > $2 AND seq < $3 ORDER BY seq \(order) LIMIT $4
    ) l ON true
    ORDER BY l.seq \(order)
    """
  }

  /// The same as far as the member $5 may see it.
  private static func seen(order: String) -> String {
    """
    SELECT l.*, v.low_seq FROM (
      SELECT c.id, c.low_seq, greatest($2, CASE WHEN r.is_public THEN 0 ELSE p.since END) AS start
      FROM conversations c JOIN rooms r ON r.conversation = c.id
      JOIN members p ON p.conversation = c.id AND p.name = $5 WHERE c.key = $1
    ) v
    LEFT JOIN LATERAL (
      SELECT \(columns) FROM messages m
      WHERE conversation = v.id AND seq > v.start AND seq < $3 ORDER BY seq \(order) LIMIT $4
    ) l ON true
    ORDER BY l.seq \(order)
    """
  }

  private static let columns = """
    seq, sender, cid, ts,
      CASE WHEN edited_by IS NULL OR deleted_by IS NOT NULL THEN body ELSE (
        SELECT e.body FROM messages e
        WHERE e.conversation = m.conversation AND e.seq = m.edited_by
      ) END AS body,
      reference, kind::integer, edited_by, deleted_by
    """
}
