import ChatCore
import ChatProtocol
import PostgresClient

/// The marks of a group, made by one statement.
struct PostgresMarks {
  /// Rows in the order of conversations and names, so that all lock them in the same order;
  /// marks of one member in one conversation become one. The conversations are found first: from
  /// the members on, the statement would read all conversations of each.
  static let statement = PostgresQuery(
    .prepare(
      name: "chat_mark",
      sql: """
        WITH given AS MATERIALIZED (
          SELECT g.key, g.name, g.recv, g.read, c.id, c.last_seq FROM (
            SELECT u.key COLLATE "C" AS key, u.name COLLATE "C" AS name,
              max(greatest(u.recv, u.read)) AS recv, max(u.read) AS read
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
              AS u (key, name, recv, read)
            GROUP BY 1, 2
          ) g
          JOIN conversations c ON c.key = g.key
        ), raised AS (
          UPDATE members m SET recv = greatest(m.recv, least(g.last_seq, g.recv)),
            read = greatest(m.read, least(g.last_seq, g.read))
          FROM (SELECT * FROM given ORDER BY key, name) g
          WHERE m.conversation = g.id AND m.name = g.name
          RETURNING g.key, g.name, m.recv, m.read
        ) SELECT key, name, recv, read FROM raised
        """, types: []))

  private struct Member: Hashable {
    let key: String
    let name: String
  }

  private var marks: [PostgresWrite.Mark] = []
  /// Where each stands in the group.
  private var indexes: [Int] = []

  var isEmpty: Bool { marks.isEmpty }

  mutating func append(_ mark: PostgresWrite.Mark, at index: Int) {
    marks.append(mark)
    indexes.append(index)
  }

  func query() -> PostgresQuery {
    var keys = PostgresArray.text()
    var names = PostgresArray.text()
    var received = PostgresArray.int8()
    var read = PostgresArray.int8()
    for mark in marks {
      keys.append(mark.conversation.key)
      names.append(mark.user.name)
      received.append(Int64(clamping: mark.received))
      read.append(Int64(clamping: mark.read))
    }
    return PostgresQuery(
      .prepared(name: "chat_mark"),
      [keys.finish(), names.finish(), received.finish(), read.finish()])
  }

  /// False when the rows are not what the statement gives.
  func read(_ rows: PostgresRows, into results: inout [StoreReply.Result?]) -> Bool {
    var found: [Member: StoreReply.Result] = [:]
    for row in 0..<rows.count {
      guard let key = rows.string(row, 0), let name = rows.string(row, 1),
        let received = rows.int64(row, 2), let read = rows.int64(row, 3)
      else { return false }
      found[Member(key: key, name: name)] = .marked(
        received: UInt64(clamping: received), read: UInt64(clamping: read))
    }
    for (mark, index) in zip(marks, indexes) {
      let member = Member(key: mark.conversation.key, name: mark.user.name)
      results[index] = found[member] ?? .refused(.notFound)
    }
    return true
  }
}
