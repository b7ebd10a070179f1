import ChatCore
import ChatProtocol
import PostgresClient

/// A change of a room on its way: one transaction of two round trips, between which `RoomRules`
/// decide. Changes are rare, so their statements are not prepared.
final class PostgresRoomChange {
  typealias Reply = (Result<StoreReply.Result, PostgresError>) -> Void

  private let draft: RoomDraft
  private let connection: PostgresConnection
  private let reply: Reply

  /// The conversation's row, which the transaction has locked.
  private struct Head {
    var id: Int64
    var sequence: Int64
    var timestamp: Timestamp
  }

  private init(_ draft: RoomDraft, on connection: PostgresConnection, reply: @escaping Reply) {
    self.draft = draft
    self.connection = connection
    self.reply = reply
  }

  /// Answers once. After a failure the session is outside of any transaction, unless it is lost.
  static func run(
    _ draft: RoomDraft, on connection: PostgresConnection, reply: @escaping Reply
  ) {
    guard draft.conversation.isRoom else { return reply(.success(.refused(.notFound))) }
    PostgresRoomChange(draft, on: connection, reply: reply).look()
  }

  // MARK: What there is

  private func look() {
    let lookups = PostgresRoomLookups(draft)
    PostgresScript.run(lookups.queries, on: connection) { [self] answer in
      switch answer {
      case .failure(let error): end(.failure(error))
      case .success(let rows): decide(lookups, rows)
      }
    }
  }

  private func decide(_ lookups: PostgresRoomLookups, _ rows: [PostgresRows]) {
    if let earlier = lookups.earlier(rows) { return end(.success(earlier)) }
    guard let facts = lookups.facts(rows) else { return drop() }
    switch RoomRules.decide(draft.change, by: draft.actor, in: facts) {
    case .refused(let refusal): end(.success(.refused(refusal)))
    case .unchanged: end(.success(.unchanged))
    case .changed(let effect):
      guard let head = head(rows[lookups.headPlace]) else { return drop() }
      store(effect, memberCount: facts.memberCount + effect.memberCountChange, head: head)
    }
  }

  private func head(_ rows: PostgresRows) -> Head? {
    guard rows.count == 1, let id = rows.int64(0, 0), let sequence = rows.int64(0, 1),
      let timestamp = rows.int64(0, 2)
    else { return nil }
    return Head(
      id: id, sequence: sequence + 1, timestamp: max(timestamp, draft.timestamp))
  }

  private func drop() {
    let error = PostgresError.disconnected(reason: "the server gave rows that make no sense")
    connection.drop(error)
    reply(.failure(error))
  }

  /// Leaves everything as it was.
  private func end(_ result: Result<StoreReply.Result, PostgresError>) {
    // A query that was refused may have been the last of its session.
    guard connection.isOpen else {
      return reply(.failure(.disconnected(reason: "the session was lost")))
    }
    connection.send(PostgresQuery(sql: "ROLLBACK")) { [self] answer in
      if case .failure(let error) = answer { reply(.failure(error)) } else { reply(result) }
    }
  }

  // MARK: What is to be

  private func store(_ effect: RoomEffect, memberCount: Int, head: Head) {
    let queries =
      entry(head, effect.settings) + members(effect, head)
      + [
        PostgresQuery(
          sql: """
            INSERT INTO rooms (conversation, name, topic, is_public, member_count)
            VALUES ($1, $2, $3, $4 <> 0, $5) ON CONFLICT (conversation) DO UPDATE SET
              name = excluded.name, topic = excluded.topic, is_public = excluded.is_public,
              member_count = excluded.member_count
            """,
          [
            .int8(head.id), .bytes(Array(effect.settings.name.utf8)),
            .bytes(Array(effect.settings.topic.utf8)), .int8(effect.settings.isPublic ? 1 : 0),
            .int8(Int64(memberCount)),
          ]),
        PostgresQuery(sql: "COMMIT"),
      ]
    // A statement that fails makes of the COMMIT behind it the transaction's end as well.
    PostgresScript.run(queries, on: connection) { [reply] answer in
      reply(
        answer.map { _ in
          .appended(
            sequence: UInt64(head.sequence), timestamp: head.timestamp, isDuplicate: false)
        })
    }
  }

  private func entry(_ head: Head, _ settings: RoomSettings) -> [PostgresQuery] {
    let sender = PostgresParameter.text(draft.actor.name)
    let clientID = PostgresParameter.bytes(Array(draft.content.clientID.utf8))
    return [
      PostgresQuery(
        sql: """
          INSERT INTO messages (conversation, seq, sender, cid, ts, kind, body)
          VALUES ($1, $2, $3, $4, $5, $6, $7)
          """,
        [
          .int8(head.id), .int8(head.sequence), sender, clientID, .int8(head.timestamp),
          .int8(Int64(EntryKind.room.rawValue)), .bytes(draft.content.body),
        ]),
      PostgresQuery(
        sql: "INSERT INTO sends (sender, cid, conversation, seq) VALUES ($1, $2, $3, $4)",
        [sender, clientID, .int8(head.id), .int8(head.sequence)]),
      PostgresQuery(
        sql: """
          UPDATE conversations SET last_seq = $2, last_ts = $3, first_ts = coalesce(first_ts, $3),
            retain_days = $4
          WHERE id = $1
          """,
        [
          .int8(head.id), .int8(head.sequence), .int8(head.timestamp),
          .int8(Int64(settings.retainDays)),
        ]),
    ]
  }

  private func members(_ effect: RoomEffect, _ head: Head) -> [PostgresQuery] {
    var queries: [PostgresQuery] = []
    if !effect.joined.isEmpty {
      var names = PostgresArray.text()
      var roles = PostgresArray.int4()
      for member in effect.joined {
        names.append(member.user.name)
        roles.append(Int32(member.role.rawValue))
      }
      queries.append(
        PostgresQuery(
          sql: """
            INSERT INTO members (name, conversation, role, since, came)
            SELECT g.name, $1, g.role, $2, $3 FROM unnest($4::text[], $5::integer[])
              AS g (name, role)
            """,
          [
            .int8(head.id), .int8(effect.settings.isPublic ? 0 : head.sequence - 1),
            .int8(head.sequence), names.finish(), roles.finish(),
          ]))
    }
    // Rows that are there are locked by name, as marks do: neither waits for the other in a circle.
    var changes: [(user: UserID, query: PostgresQuery)] = []
    if let user = effect.removed {
      let query = PostgresQuery(
        sql: "DELETE FROM members WHERE name = $1 AND conversation = $2",
        [.text(user.name), .int8(head.id)])
      changes.append((user, query))
    }
    for member in effect.roles {
      let query = PostgresQuery(
        sql: "UPDATE members SET role = $3 WHERE name = $1 AND conversation = $2",
        [.text(member.user.name), .int8(head.id), .int8(Int64(member.role.rawValue))])
      changes.append((member.user, query))
    }
    return queries + changes.sorted { $0.user < $1.user }.map(\.query)
  }
}
