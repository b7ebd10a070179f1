import ChatCore
import ChatProtocol
import DequeModule
import PostgresClient

/// Reads that one statement answers: one of any kind, or several users' lists of conversations.
///
/// When many users come at once their lists are most of what the database does, and most of a short
/// list is the statement: a list took 77 µs of PostgreSQL's CPU alone, and takes 9 µs among others.
struct PostgresReadGroup {
  static let readsMax = 16
  /// Rows that a group has for each of several users. Whoever has more is read again alone: so no reply
  /// has more than 1,040, a quarter of what the longest list of one user has.
  static let rowsMax = 64

  let reads: [PostgresRead]

  /// Takes the first of those that wait, and what goes with it.
  static func next(of waiting: inout Deque<PostgresRead>) -> PostgresReadGroup? {
    guard let first = waiting.popFirst() else { return nil }
    var reads = [first]
    while reads.count < readsMax, let next = waiting.first, next.sharesStatement(with: first) {
      reads.append(waiting.removeFirst())
    }
    return PostgresReadGroup(reads: reads)
  }

  var isOne: Bool { reads.count == 1 }

  func query() -> PostgresQuery {
    guard !isOne, let limits = reads[0].listLimits else { return reads[0].query() }
    return PostgresRead.lists(
      of: reads.compactMap(\.listedUser), limit: min(limits.rows, Self.rowsMax + 1),
      countsUnread: limits.countsUnread)
  }

  enum Outcome {
    case answered(StoreReply.Result)
    /// To be read again alone.
    case tooLong
    /// The rows are not what the statement gives.
    case senseless
  }

  /// One for each read, in order.
  func outcomes(_ rows: PostgresRows) -> [Outcome] {
    if isOne { return [reads[0].result(rows).map(Outcome.answered) ?? .senseless] }
    var end = 0
    let outcomes = reads.indices.map { index -> Outcome in
      let start = end
      while end < rows.count, rows.int64(end, 0) == Int64(index + 1) { end += 1 }
      if end - start > Self.rowsMax { return .tooLong }
      return PostgresRead.list(rows, start..<end).map(Outcome.answered) ?? .senseless
    }
    // Rows that are nobody's: then who has none may have some.
    return end == rows.count ? outcomes : outcomes.map { _ in .senseless }
  }
}

extension PostgresRead {
  fileprivate struct ListLimits: Equatable {
    let rows: Int
    let countsUnread: Bool
  }

  fileprivate var listLimits: ListLimits? {
    guard case .conversations(_, let limit, let countsUnread) = subject else { return nil }
    return ListLimits(rows: limit, countsUnread: countsUnread)
  }

  fileprivate var listedUser: UserID? {
    if case .conversations(let user, _, _) = subject { user } else { nil }
  }

  fileprivate func sharesStatement(with first: PostgresRead) -> Bool {
    guard let limits = first.listLimits else { return false }
    return !first.goesAlone && !goesAlone && listLimits == limits
  }
}
