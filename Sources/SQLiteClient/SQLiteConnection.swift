import CSQLite

/// An open database, closed by its `deinit`.
///
/// Opened without SQLite's own mutex: use it, and every statement made from it, on one thread.
package struct SQLiteConnection: ~Copyable {
  private let handle: OpaquePointer

  /// How the database answers for what it has committed, and how long it waits for another writer.
  package struct Options: Sendable {
    package var busyTimeout: Duration = .seconds(5)
    /// The write-ahead log is copied into the database once it holds this many pages. A page that
    /// many groups touch is then copied once; 8000 instead of SQLite's 1000 brought a third more
    /// messages per second over 1,000 conversations, for a log of 32 MiB.
    package var checkpointPages: Int32 = 8000
    /// The page cache, in KiB.
    package var cacheKiB: Int32 = 16 * 1024

    package init() {}
  }

  /// Opens the file, made if need be, in WAL mode with `synchronous=FULL` and foreign keys on.
  package init(path: String, options: Options = Options()) throws(SQLiteError) {
    handle = try Self.open(path: path, options: options)
  }

  private static func open(
    path: String, options: Options
  ) throws(SQLiteError) -> OpaquePointer {
    _ = isConfigured
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_EXRESCODE, nil)
    do throws(SQLiteError) {
      guard code == SQLITE_OK, let opened else {
        throw SQLiteError(code: code, connection: opened, sql: "")
      }
      sqlite3_busy_timeout(opened, Int32(options.busyTimeout / .milliseconds(1)))
      try execute("PRAGMA journal_mode = WAL", on: opened)
      try execute("PRAGMA synchronous = FULL", on: opened)
      try execute("PRAGMA foreign_keys = ON", on: opened)
      try execute("PRAGMA cache_size = -\(options.cacheKiB)", on: opened)
      try execute("PRAGMA wal_autocheckpoint = \(options.checkpointPages)", on: opened)
      return opened
    } catch {
      sqlite3_close_v2(opened)
      throw error
    }
  }

  /// Done once, before the first use of the library: without counting its memory, for which each
  /// allocation takes a lock, an insert is 6 % cheaper.
  private static let isConfigured = csqlite_config_memory_status(0) == SQLITE_OK

  deinit {
    // Statements still alive keep the database open until the last of them is finalized.
    sqlite3_close_v2(handle)
  }

  /// Runs statements that have no parameters; rows are dropped.
  package func execute(_ sql: String) throws(SQLiteError) {
    try Self.execute(sql, on: handle)
  }

  private static func execute(_ sql: String, on handle: OpaquePointer) throws(SQLiteError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else {
      throw SQLiteError(code: code, connection: handle, sql: sql)
    }
  }

  /// Compiles one statement that will be used many times.
  package func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
    try SQLiteStatement(connection: handle, sql: sql)
  }

  /// Empties the page cache, as far as no statement uses it.
  package func releaseMemory() { sqlite3_db_release_memory(handle) }

  /// Rows that the last INSERT, UPDATE or DELETE touched.
  package var changes: Int64 { sqlite3_changes64(handle) }

  package var lastInsertedRowID: Int64 { sqlite3_last_insert_rowid(handle) }

  /// False between BEGIN and the end of the transaction, also when an error ended it.
  package var isAutocommit: Bool { sqlite3_get_autocommit(handle) != 0 }
}
