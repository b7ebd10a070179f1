import ChatCore
import ChatProtocol
import SQLiteClient

extension SQLiteMessages {
  /// Conversations that one request may take entries from.
  private static let expiredMax = 64

  private struct Expired {
    let id: Int64
    let lowWaterMark: Int64
    /// Entries below this time are expired.
    let keptSince: Timestamp
  }

  func removeExpired(
    keptSince: Timestamp, now: Timestamp, limit: Int
  ) throws -> StoreReply.Result {
    let found = try expired(keptSince: keptSince, now: now)
    var count = 0
    for conversation in found where count < limit {
      count += try remove(from: conversation, limit: limit - count)
    }
    return .removed(count: count, isDone: count < limit && found.count < Self.expiredMax)
  }

  /// Some of those with expired entries.
  private func expired(keptSince: Timestamp, now: Timestamp) throws -> [Expired] {
    let statement = statements.retention
    defer { statement.expired.reset() }
    try statement.expired.bind(keptSince, at: 1)
    try statement.expired.bind(now, at: 2)
    try statement.expired.bind(Int64(Self.expiredMax), at: 3)
    var found: [Expired] = []
    while try statement.expired.step() {
      let days = statement.expired.int64(2)
      let ofRoom = days > 0 ? now - days * 86_400_000 : .min
      found.append(
        Expired(
          id: statement.expired.int64(0), lowWaterMark: statement.expired.int64(1),
          keptSince: max(keptSince, ofRoom)))
    }
    return found
  }

  /// Times of a conversation never fall, so what is expired is the start of what it has.
  private func remove(from conversation: Expired, limit: Int) throws -> Int {
    let statement = statements.retention
    guard let last = try last(of: conversation, limit: limit) else { return 0 }
    try statement.remove.bind(conversation.id, at: 1)
    try statement.remove.bind(last, at: 2)
    try statement.remove.run()
    let count = Int(connection.changes)
    try statement.raise.bind(conversation.id, at: 1)
    try statement.raise.bind(last, at: 2)
    try statement.raise.run()
    return count
  }

  private func last(of conversation: Expired, limit: Int) throws -> Int64? {
    let statement = statements.retention
    defer { statement.last.reset() }
    try statement.last.bind(conversation.id, at: 1)
    try statement.last.bind(conversation.lowWaterMark, at: 2)
    try statement.last.bind(Int64(limit), at: 3)
    try statement.last.bind(conversation.keptSince, at: 4)
    return try statement.last.step() ? statement.last.optionalInt64(0) : nil
  }
}

/// Those about what has been kept for long enough.
final class SQLiteRetentionStatements {
  let expired: SQLiteStatement
  let last: SQLiteStatement
  let remove: SQLiteStatement
  let raise: SQLiteStatement

  init(_ connection: borrowing SQLiteConnection) throws {
    expired = try connection.prepare(Self.expired)
    last = try connection.prepare(
      """
      SELECT max(seq) FROM (
        SELECT seq, ts FROM messages WHERE conversation = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3
      ) WHERE ts < ?4
      """)
    remove = try connection.prepare("DELETE FROM messages WHERE conversation = ?1 AND seq <= ?2")
    raise = try connection.prepare(
      """
      UPDATE conversations SET low_seq = ?2, first_ts = (
        SELECT m.ts FROM messages m WHERE m.conversation = ?1 AND m.seq = ?2 + 1
      ) WHERE id = ?1
      """)
  }

  /// Each half reads the start of an index, and of that no more than asked for.
  static let expired = """
    SELECT id, low_seq, retain_days FROM (
      SELECT id, low_seq, retain_days FROM conversations
      WHERE first_ts < ?1 ORDER BY first_ts LIMIT ?3
    )
    UNION
    SELECT id, low_seq, retain_days FROM (
      SELECT id, low_seq, retain_days FROM conversations
      WHERE retain_days > 0 AND first_ts IS NOT NULL AND first_ts + retain_days * 86400000 < ?2
      ORDER BY first_ts + retain_days * 86400000 LIMIT ?3
    )
    """
}
