import ChatCore
import PostgresClient

/// Makes a fresh session fit for the store: its settings, the schema, the prepared statements.
enum PostgresSession {
  /// Why a session cannot be used.
  enum SetUpError: Error {
    case schemaIsNewer(found: Int)
    case failed(PostgresError)
  }

  /// A migration may move all messages, and nodes that start together wait for one another.
  private static let migrationTimeout = Duration.seconds(600)
  /// The key of the advisory lock that admits one migration at a time.
  private static let migrationLock: Int64 = 0x6368_6174

  /// Brings the schema up to date, all of the missing steps or none.
  static func migrate(
    _ connection: PostgresConnection, reply: @escaping (SetUpError?) -> Void
  ) {
    let look = [
      PostgresQuery(sql: "BEGIN"),
      PostgresQuery(
        sql: "SELECT pg_advisory_xact_lock($1)", [.int8(migrationLock)],
        timeout: migrationTimeout),
      PostgresQuery(sql: "CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL)"),
      PostgresQuery(sql: "SELECT coalesce(max(version), 0) FROM schema_version"),
    ]
    PostgresScript.run(look, on: connection) { answer in
      let found: Int
      switch answer {
      case .failure(let error): return reply(.failed(error))
      case .success(let rows): found = Int(rows.last?.int64(0, 0) ?? 0)
      }
      guard found <= PostgresSchema.steps.count else {
        return reply(.schemaIsNewer(found: found))
      }
      PostgresScript.run(steps(after: max(0, found)), on: connection) { answer in
        switch answer {
        case .failure(let error): reply(.failed(error))
        case .success: reply(nil)
        }
      }
    }
  }

  private static func steps(after done: Int) -> [PostgresQuery] {
    var queries: [PostgresQuery] = []
    for index in done..<PostgresSchema.steps.count {
      queries += PostgresSchema.steps[index].map {
        PostgresQuery(sql: $0, timeout: migrationTimeout)
      }
      queries.append(
        PostgresQuery(
          sql: "INSERT INTO schema_version (version) VALUES ($1)", [.int8(Int64(index + 1))]))
    }
    return queries + [PostgresQuery(sql: "COMMIT", timeout: migrationTimeout)]
  }

  /// Settings and statements of a session; `statementTimeout` ends on the server what this
  /// side has given up.
  static func prepare(
    _ statements: [PostgresQuery], statementTimeout: Duration, on connection: PostgresConnection,
    reply: @escaping (SetUpError?) -> Void
  ) {
    let milliseconds = Int64(statementTimeout / .milliseconds(1))
    // Plans are made once, perhaps while the tables are empty: they must use the indexes and take
    // the given rows one by one, whatever the statistics say at that time.
    let settings = [
      "SET enable_seqscan = off", "SET enable_hashjoin = off", "SET enable_mergejoin = off",
      "SET plan_cache_mode = force_generic_plan", "SET jit = off",
      "SET statement_timeout = \(milliseconds)",
    ]
    let queries = settings.map { PostgresQuery(sql: $0) } + statements
    PostgresScript.run(queries, on: connection) { answer in
      switch answer {
      case .failure(let error): reply(.failed(error))
      case .success: reply(nil)
      }
    }
  }

  /// Adds one to the node's epoch and gives it.
  static func nextEpoch(
    of node: NodeID, on connection: PostgresConnection,
    reply: @escaping (Result<UInt64, PostgresError>) -> Void
  ) {
    let query = PostgresQuery(
      sql: """
        INSERT INTO nodes (node, epoch) VALUES ($1, 1)
        ON CONFLICT (node) DO UPDATE SET epoch = nodes.epoch + 1 RETURNING epoch
        """, [.text(node.name)])
    connection.send(query) { answer in
      reply(answer.map { UInt64(clamping: $0.int64(0, 0) ?? 0) })
    }
  }
}
