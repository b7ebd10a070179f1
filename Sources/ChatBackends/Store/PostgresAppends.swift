import ChatCore
import ChatProtocol
import FaultInjection
import PostgresClient

/// The appends of a group, stored by one call.
struct PostgresAppends {
  /// Messages of direct conversations, which need not be judged, have a function of their own.
  static let statements =
    Mutant.dedupeInMemory.isActive
    ? [PostgresQuery(sql: SendMemory.appendFunction), append("pg_temp.chat_append"), judgedAppend]
    : [append("chat_append"), judgedAppend]

  private static func append(_ function: String) -> PostgresQuery {
    PostgresQuery(
      .prepare(
        name: "chat_append",
        sql: "SELECT ordinal, seq, ts, outcome "
          + "FROM \(function)($1, $2, $3, $4, $5, $6, $7, $8, $9)", types: []))
  }

  private static let judgedAppend =
    PostgresQuery(
      .prepare(
        name: "chat_append_judged",
        sql: "SELECT ordinal, seq, ts, outcome "
          + "FROM chat_append_judged($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", types: []))

  private var drafts: [Draft] = []
  /// Where each stands in the group.
  private var indexes: [Int] = []
  private var needsJudgement = false

  init(count: Int) {
    drafts.reserveCapacity(count)
    indexes.reserveCapacity(count)
  }

  var isEmpty: Bool { drafts.isEmpty }

  mutating func append(_ draft: Draft, at index: Int) {
    drafts.append(draft)
    indexes.append(index)
    if draft.kind != .message || draft.conversation.isRoom { needsJudgement = true }
  }

  func query() -> PostgresQuery {
    var conversations: Set<ConversationID> = []
    for draft in drafts { conversations.insert(draft.conversation) }
    var keys = PostgresArray.text()
    var firsts = PostgresArray.text()
    var seconds = PostgresArray.text()
    var places: [ConversationID: Int32] = [:]
    // Every node takes the rows' locks in this order, so no two wait for each other over them.
    for (key, conversation) in conversations.map({ ($0.key, $0) }).sorted(by: { $0.0 < $1.0 }) {
      places[conversation] = Int32(places.count + 1)
      keys.append(key)
      let members = conversation.members
      if let first = members.first { firsts.append(first.name) } else { firsts.appendNull() }
      if members.count > 1 { seconds.append(members[1].name) } else { seconds.appendNull() }
    }
    var placed = PostgresArray.int4()
    var senders = PostgresArray.text()
    var clientIDs = PostgresArray.bytes()
    var times = PostgresArray.int8()
    var references = PostgresArray.int8()
    var bodies = PostgresArray.bytes()
    for draft in drafts {
      placed.append(places[draft.conversation] ?? 0)
      senders.append(draft.sender.name)
      draft.content.withClientID { clientIDs.append($0) }
      times.append(draft.timestamp)
      if let target = draft.reference {
        references.append(Int64(clamping: target))
      } else {
        references.appendNull()
      }
      draft.content.withBody { bodies.append($0) }
    }
    let conversation = [keys.finish(), firsts.finish(), seconds.finish()]
    let start = [placed.finish(), senders.finish(), clientIDs.finish(), times.finish()]
    let end = [references.finish(), bodies.finish()]
    guard needsJudgement else {
      return PostgresQuery(.prepared(name: "chat_append"), conversation + start + end)
    }
    let (stages, kinds) = judgement()
    return PostgresQuery(
      .prepared(name: "chat_append_judged"), conversation + [stages] + start + [kinds] + end)
  }

  private func judgement() -> (stages: PostgresParameter, kinds: PostgresParameter) {
    var stages = PostgresArray.int4()
    var kinds = PostgresArray.int4()
    var plan = PostgresStages()
    for draft in drafts {
      stages.append(plan.stage(of: draft))
      kinds.append(Int32(draft.kind.rawValue))
    }
    return (stages.finish(), kinds.finish())
  }

  /// False when the rows are not what the functions give.
  func read(_ rows: PostgresRows, into results: inout [StoreReply.Result?]) -> Bool {
    for row in 0..<rows.count {
      guard let ordinal = rows.int64(row, 0), let sequence = rows.int64(row, 1),
        let timestamp = rows.int64(row, 2), let outcome = rows.int64(row, 3),
        (1...Int64(indexes.count)).contains(ordinal),
        let result = result(outcome, sequence: sequence, timestamp: timestamp)
      else { return false }
      results[indexes[Int(ordinal - 1)]] = result
    }
    return true
  }

  private func result(
    _ outcome: Int64, sequence: Int64, timestamp: Timestamp
  ) -> StoreReply.Result? {
    switch outcome {
    case 0, 1:
      guard sequence > 0 else { return nil }
      return .appended(
        sequence: UInt64(sequence), timestamp: timestamp, isDuplicate: outcome == 1)
    case 2: return .conflict
    case 3: return .refused(.notFound)
    case 4: return .refused(.forbidden)
    default: return nil
    }
  }
}

/// Divides the appends of a group into stages, of which each sees what those before it stored.
///
/// Within a stage, no entry depends on another: none revises a message of the same stage or a
/// message that another one edits or deletes, and no client id comes twice.
struct PostgresStages {
  private struct Stage {
    var number: Int32 = 1
    var hasMessages = false
    var revised: Set<UInt64> = []

    mutating func begin(_ number: Int32) { self = Stage(number: number) }
  }

  private var conversations: [ConversationID: Stage] = [:]
  private var sends: [SendKey: Int32] = [:]

  mutating func stage(of draft: Draft) -> Int32 {
    var stage = conversations[draft.conversation] ?? Stage()
    let isMessage = draft.kind == .message
    let isRevised = draft.reference.map { stage.revised.contains($0) } ?? false
    if !isMessage && (stage.hasMessages || isRevised) { stage.begin(stage.number + 1) }
    let key = SendKey(draft)
    if let sent = sends[key], sent >= stage.number { stage.begin(sent + 1) }
    sends[key] = stage.number
    switch draft.kind {
    case .message: stage.hasMessages = true
    case .edit, .delete: if let reference = draft.reference { stage.revised.insert(reference) }
    case .react, .room: break
    }
    conversations[draft.conversation] = stage
    return stage.number
  }
}
