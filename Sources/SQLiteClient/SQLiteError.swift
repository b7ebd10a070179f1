import CSQLite

/// What SQLite said about a call that failed.
package struct SQLiteError: Error, Hashable, Sendable {
  /// The extended result code, as in `SQLITE_IOERR_WRITE`.
  package let code: Int32
  package let message: String
  /// The statement that failed; empty when there was none.
  package let sql: String

  package init(code: Int32, message: String, sql: String = "") {
    self.code = code
    self.message = message
    self.sql = sql
  }

  init(code: Int32, connection: OpaquePointer?, sql: String) {
    let text = connection.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
    self.init(code: code, message: text.map { String(cString: $0) } ?? "unknown error", sql: sql)
  }

  /// The code without its extension, as in `SQLITE_IOERR`.
  package var primaryCode: Int32 { code & 0xFF }
}

extension SQLiteError: CustomStringConvertible, CustomDebugStringConvertible {
  /// Safe to show: names the failure, never a statement or a value.
  package var description: String { "SQLite: \(message) (code \(code))" }
  package var debugDescription: String { sql.isEmpty ? description : "\(description) in: \(sql)" }
}
