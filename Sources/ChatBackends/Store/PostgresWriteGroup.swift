import ChatCore
import ChatProtocol
import PostgresClient

/// What is committed together: appends and marks, in the order they were submitted, or one change
/// of a room.
///
/// Of the first kind, the marks are made last. Each sees so what was submitted before it, and
/// perhaps what came after.
struct PostgresWriteGroup {
  struct Entry {
    var write: PostgresWrite
    var origin: PostgresRequestOrigin
  }

  let entries: [Entry]
  /// The change of a room, when it is that.
  let change: RoomDraft?
  private let appends: PostgresAppends
  private let marks: PostgresMarks
  /// Whether an attempt before this one may have been committed unseen.
  private(set) var mayBeStored = false
  private(set) var attempts = 0

  init(_ entries: [Entry]) {
    self.entries = entries
    var appends = PostgresAppends(count: entries.count)
    var marks = PostgresMarks()
    var change: RoomDraft?
    for (index, entry) in entries.enumerated() {
      switch entry.write {
      case .append(let draft): appends.append(draft, at: index)
      case .mark(let mark): marks.append(mark, at: index)
      case .change(let draft): change = draft
      }
    }
    precondition(change == nil || entries.count == 1, "a change of a room stands alone")
    self.appends = appends
    self.marks = marks
    self.change = change
  }

  mutating func attemptBegins() { attempts += 1 }
  mutating func attemptEndedUnseen() { mayBeStored = true }

  /// One transaction for the appends and marks.
  func queries() -> [PostgresQuery] {
    if marks.isEmpty { return [appends.query()] }
    if appends.isEmpty { return [marks.query()] }
    return [
      PostgresQuery(sql: "BEGIN"), appends.query(), marks.query(), PostgresQuery(sql: "COMMIT"),
    ]
  }

  /// One result per entry; nil when the rows are not what the queries give.
  func results(_ rows: [PostgresRows]) -> [StoreReply.Result]? {
    var results = [StoreReply.Result?](repeating: nil, count: entries.count)
    if marks.isEmpty {
      guard rows.count == 1, appends.read(rows[0], into: &results) else { return nil }
    } else if appends.isEmpty {
      guard rows.count == 1, marks.read(rows[0], into: &results) else { return nil }
    } else {
      guard rows.count == 4, appends.read(rows[1], into: &results),
        marks.read(rows[2], into: &results)
      else { return nil }
    }
    let found = results.compactMap { $0 }
    guard found.count == entries.count else { return nil }
    return asFirst(found)
  }

  /// What an attempt of this very group stored unseen is no duplicate for the first that asked.
  func asFirst(_ results: [StoreReply.Result]) -> [StoreReply.Result] {
    guard mayBeStored else { return results }
    var seen: Set<SendKey> = []
    return zip(entries, results).map { entry, result in
      guard let key = SendKey(entry.write), seen.insert(key).inserted,
        case .appended(let sequence, let timestamp, true) = result
      else { return result }
      return .appended(sequence: sequence, timestamp: timestamp, isDuplicate: false)
    }
  }
}

/// By what an entry that comes again is known.
struct SendKey: Hashable {
  let sender: UserID
  let clientID: String

  init(_ draft: Draft) {
    sender = draft.sender
    clientID = draft.content.clientID
  }

  /// Nil for what has no client id.
  init?(_ write: PostgresWrite) {
    switch write {
    case .append(let draft): self.init(draft)
    case .change(let draft): self.init(draft.entry)
    case .mark: return nil
    }
  }
}
