/// One statement and its parameters.
package struct PostgresQuery: Sendable {
  package enum Statement: Sendable {
    case sql(String)
    /// Compiles the SQL under a name, for as long as the connection lasts.
    case prepare(name: String, sql: String, types: [UInt32])
    case prepared(name: String)
  }

  package var statement: Statement
  package var parameters: [PostgresParameter]
  /// In place of the configuration's time for a request.
  package var timeout: Duration?

  package init(
    _ statement: Statement, _ parameters: [PostgresParameter] = [], timeout: Duration? = nil
  ) {
    self.statement = statement
    self.parameters = parameters
    self.timeout = timeout
  }

  package init(
    sql: String, _ parameters: [PostgresParameter] = [], timeout: Duration? = nil
  ) {
    self.init(.sql(sql), parameters, timeout: timeout)
  }
}
