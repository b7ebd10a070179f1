import PostgresClient

/// Queries sent together whose answers are wanted together.
final class PostgresScript {
  typealias Reply = (Result<[PostgresRows], PostgresError>) -> Void

  private var rows: [PostgresRows] = []
  private var error: PostgresError?
  private var missing: Int
  private let reply: Reply

  private init(count: Int, reply: @escaping Reply) {
    missing = count
    self.reply = reply
  }

  /// Answers once, with the first error if there was one.
  static func run(
    _ queries: [PostgresQuery], on connection: PostgresConnection, reply: @escaping Reply
  ) {
    let script = PostgresScript(count: queries.count, reply: reply)
    for query in queries { connection.send(query) { script.received($0) } }
  }

  private func received(_ answer: Result<PostgresRows, PostgresError>) {
    switch answer {
    case .success(let result): rows.append(result)
    case .failure(let failure): error = error ?? failure
    }
    missing -= 1
    guard missing == 0 else { return }
    reply(error.map { .failure($0) } ?? .success(rows))
  }
}
