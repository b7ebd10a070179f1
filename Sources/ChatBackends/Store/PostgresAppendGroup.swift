import ChatCore
import ChatProtocol
import FaultInjection
import PostgresClient

/// Appends that are committed together, in the order they were submitted.
struct PostgresAppendGroup {
  struct Entry {
    var draft: Draft
    var origin: PostgresRequestOrigin
  }

  /// What a session needs before it can append.
  static let statements =
    Mutant.dedupeInMemory.isActive
    ? [PostgresQuery(sql: SendMemory.appendFunction), call(of: "pg_temp.chat_append")]
    : [call(of: "chat_append")]

  private static func call(of function: String) -> PostgresQuery {
    PostgresQuery(
      .prepare(
        name: "chat_append",
        sql: "SELECT ordinal, seq, ts, outcome "
          + "FROM \(function)($1, $2, $3, $4, $5, $6, $7, $8, $9)", types: []))
  }

  let entries: [Entry]
  /// Whether an attempt before this one may have been committed unseen.
  private(set) var mayBeStored = false
  private(set) var attempts = 0

  init(_ entries: [Entry]) { self.entries = entries }

  mutating func attemptBegins() { attempts += 1 }
  mutating func attemptEndedUnseen() { mayBeStored = true }

  /// The call of `chat_append` for these messages.
  func query() -> PostgresQuery {
    var conversations: Set<ConversationID> = []
    for entry in entries { conversations.insert(entry.draft.conversation) }
    var keys = PostgresArray.text()
    var firsts = PostgresArray.text()
    var seconds = PostgresArray.text()
    var places: [ConversationID: Int32] = [:]
    // Every node takes the rows' locks in this order, so no two wait for each other.
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
    var replies = PostgresArray.int8()
    var bodies = PostgresArray.bytes()
    for entry in entries {
      placed.append(places[entry.draft.conversation] ?? 0)
      senders.append(entry.draft.sender.name)
      entry.draft.content.withClientID { clientIDs.append($0) }
      times.append(entry.draft.timestamp)
      if let target = entry.draft.replyTo {
        replies.append(Int64(clamping: target))
      } else {
        replies.appendNull()
      }
      entry.draft.content.withBody { bodies.append($0) }
    }
    return PostgresQuery(
      .prepared(name: "chat_append"),
      [
        keys.finish(), firsts.finish(), seconds.finish(), placed.finish(), senders.finish(),
        clientIDs.finish(), times.finish(), replies.finish(), bodies.finish(),
      ])
  }

  /// One result per entry; nil when the rows are not what `chat_append` gives.
  func results(_ rows: PostgresRows) -> [StoreReply.Result]? {
    var results = [StoreReply.Result?](repeating: nil, count: entries.count)
    for row in 0..<rows.count {
      guard let ordinal = rows.int64(row, 0), let sequence = rows.int64(row, 1),
        let timestamp = rows.int64(row, 2), let outcome = rows.int64(row, 3),
        (1...Int64(entries.count)).contains(ordinal), sequence > 0
      else { return nil }
      results[Int(ordinal - 1)] =
        outcome == 2
        ? .conflict
        : .appended(
          sequence: UInt64(sequence), timestamp: timestamp, isDuplicate: outcome == 1)
    }
    let found = results.compactMap { $0 }
    guard found.count == entries.count else { return nil }
    return mayBeStored ? withoutOwnDuplicates(found) : found
  }

  /// What an attempt of this very group stored unseen is no duplicate for the first that asked.
  private func withoutOwnDuplicates(_ results: [StoreReply.Result]) -> [StoreReply.Result] {
    var seen: Set<SendKey> = []
    return zip(entries, results).map { entry, result in
      let isFirst = seen.insert(SendKey(entry.draft)).inserted
      guard isFirst, case .appended(let sequence, let timestamp, true) = result else {
        return result
      }
      return .appended(sequence: sequence, timestamp: timestamp, isDuplicate: false)
    }
  }
}

/// By what a message that is sent again is known.
struct SendKey: Hashable {
  let sender: UserID
  let clientID: String

  init(_ draft: Draft) {
    sender = draft.sender
    clientID = draft.content.clientID
  }
}
