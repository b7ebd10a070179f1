import ChatCore
import ChatProtocol
import FaultInjection

/// What the mutant `dedupe-in-memory` has in place of the table `sends`: the sends that this
/// process has stored. Empty in a server that is none.
struct SendMemory {
  /// A mutant lives for minutes.
  private static let sendsMax = 1 << 20

  private var sequences: [SendKey: (sequence: UInt64, timestamp: Timestamp)] = [:]

  func result(of write: PostgresWrite) -> StoreReply.Result? {
    SendKey(write).flatMap { sequences[$0] }.map {
      .appended(sequence: $0.sequence, timestamp: $0.timestamp, isDuplicate: true)
    }
  }

  mutating func remember(
    _ entries: [PostgresWriteGroup.Entry], _ results: [StoreReply.Result]
  ) {
    for (entry, result) in zip(entries, results) {
      guard let key = SendKey(entry.write),
        case .appended(let sequence, let timestamp, _) = result, sequences.count < Self.sendsMax
      else { continue }
      sequences[key] = (sequence, timestamp)
    }
  }

  /// `chat_append` as it would be if it took every message for a new one, for one session alone.
  static let appendFunction: String = {
    let changes = [
      (
        "CREATE OR REPLACE FUNCTION chat_append",
        "CREATE OR REPLACE FUNCTION pg_temp.chat_append"
      ),
      ("WHERE NOT EXISTS (SELECT FROM sends s WHERE s.sender = g.sender AND s.cid = g.cid)", ""),
      (
        "ORDER BY n.sender COLLATE \"C\", n.cid\n",
        "ORDER BY n.sender COLLATE \"C\", n.cid ON CONFLICT DO NOTHING\n"
      ),
    ]
    return changes.reduce(PostgresAppendFunctions.plain) { function, change in
      precondition(function.contains(change.0), "the mutant does not fit chat_append any more")
      return function.replacing(change.0, with: change.1)
    }
  }()
}
