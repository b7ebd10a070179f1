import ChatCore
import ChatProtocol
import PostgresClient

/// The first half of a room change's transaction: locks the conversation's row, then reads what
/// the decision depends on. Each statement behind the lock sees all that was committed before it.
struct PostgresRoomLookups {
  let queries: [PostgresQuery]
  /// Where the conversation's row stands among the answers; the others follow it.
  let headPlace: Int

  private let draft: RoomDraft
  private let hasNext: Bool

  init(_ draft: RoomDraft) {
    self.draft = draft
    let key = PostgresParameter.text(draft.conversation.key)
    var queries = [PostgresQuery(sql: "BEGIN")]
    if case .create = draft.change {
      queries.append(
        PostgresQuery(
          sql: """
            INSERT INTO conversations (key, last_seq, last_ts) VALUES ($1, 0, 0)
            ON CONFLICT (key) DO NOTHING
            """, [key]))
    }
    headPlace = queries.count
    var concerned = PostgresArray.text()
    for user in draft.change.concerned(by: draft.actor) { concerned.append(user.name) }
    queries += [
      PostgresQuery(
        sql: "SELECT id, last_seq, last_ts FROM conversations WHERE key = $1 FOR UPDATE", [key]),
      PostgresQuery(
        sql: """
          SELECT s.seq, m.ts, m.body, m.kind::integer, m.reference, c.key
          FROM sends s JOIN messages m ON m.conversation = s.conversation AND m.seq = s.seq
          JOIN conversations c ON c.id = s.conversation WHERE s.sender = $1 AND s.cid = $2
          """,
        [.text(draft.actor.name), .bytes(Array(draft.content.clientID.utf8))]),
      PostgresQuery(
        sql: """
          SELECT r.name, r.topic, r.is_public::integer, r.member_count, c.retain_days
          FROM conversations c JOIN rooms r ON r.conversation = c.id WHERE c.key = $1
          """, [key]),
      PostgresQuery(
        sql: """
          SELECT m.name, m.role::integer FROM conversations c
          JOIN members m ON m.conversation = c.id AND m.name = ANY ($2) WHERE c.key = $1
          """, [key, concerned.finish()]),
    ]
    let yielding = draft.change.yielding(by: draft.actor)
    hasNext = yielding != nil
    if let yielding {
      queries.append(
        PostgresQuery(
          sql: """
            SELECT m.name, m.role::integer FROM conversations c
            JOIN members m ON m.conversation = c.id
            WHERE c.key = $1 AND m.name <> $2 AND m.came IS NOT NULL
            ORDER BY m.role DESC, m.came, m.name LIMIT 1
            """, [key, .text(yielding.name)]))
    }
    self.queries = queries
  }

  /// What an entry with the actor's client id answers to the change; nil without one.
  func earlier(_ answers: [PostgresRows]) -> StoreReply.Result? {
    let rows = answers[headPlace + 1]
    guard rows.count > 0, let sequence = rows.int64(0, 0), let timestamp = rows.int64(0, 1)
    else { return nil }
    let isSame =
      rows.string(0, 5) == draft.conversation.key && rows.bytes(0, 2) == draft.content.body
      && rows.int64(0, 3) == Int64(EntryKind.room.rawValue) && rows.isNull(0, 4)
    guard isSame else { return .conflict }
    return .appended(
      sequence: UInt64(clamping: sequence), timestamp: timestamp, isDuplicate: true)
  }

  /// Nil when the rows are not what the statements give.
  func facts(_ answers: [PostgresRows]) -> RoomFacts? {
    let room = answers[headPlace + 2]
    guard room.count > 0 else { return RoomFacts() }
    guard let name = room.string(0, 0), let topic = room.string(0, 1),
      let isPublic = room.int64(0, 2), let memberCount = room.int64(0, 3),
      let retainDays = room.int64(0, 4), let members = members(answers[headPlace + 3])
    else { return nil }
    var facts = RoomFacts(
      settings: RoomSettings(
        name: name, topic: topic, isPublic: isPublic != 0, retainDays: Int(clamping: retainDays)),
      memberCount: Int(memberCount))
    for member in members { facts.roles[member.user] = member.role }
    if hasNext {
      guard let next = self.members(answers[headPlace + 4]) else { return nil }
      facts.next = next.first
    }
    return facts
  }

  private func members(_ rows: PostgresRows) -> [RoomMember]? {
    let found = (0..<rows.count).compactMap { RoomMember(rows, $0) }
    return found.count == rows.count ? found : nil
  }
}

extension RoomMember {
  /// Of the row's first columns, the name and the role.
  init?(_ rows: PostgresRows, _ row: Int) {
    guard let name = rows.string(row, 0), let user = UserID(name), let role = rows.int64(row, 1),
      let role = RoomRole(stored: role)
    else { return nil }
    self.init(user: user, role: role)
  }
}
