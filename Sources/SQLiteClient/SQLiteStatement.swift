import CSQLite

/// A compiled statement, finalized by its `deinit`.
///
/// Bind, `step` while it gives rows, `reset`. Parameters count from 1, columns from 0.
package struct SQLiteStatement: ~Copyable {
  private let handle: OpaquePointer
  private let connection: OpaquePointer

  init(connection: OpaquePointer, sql: String) throws(SQLiteError) {
    var compiled: OpaquePointer?
    let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
    let code = sqlite3_prepare_v3(connection, sql, -1, flags, &compiled, nil)
    guard code == SQLITE_OK, let compiled else {
      throw SQLiteError(code: code, connection: connection, sql: sql)
    }
    handle = compiled
    self.connection = connection
  }

  deinit { sqlite3_finalize(handle) }

  // MARK: Parameters

  package func bind(_ value: Int64, at index: Int32) throws(SQLiteError) {
    try check(sqlite3_bind_int64(handle, index, value))
  }

  package func bind(_ value: Int64?, at index: Int32) throws(SQLiteError) {
    guard let value else { return try check(sqlite3_bind_null(handle, index)) }
    try bind(value, at: index)
  }

  /// Binds UTF-8 text, which SQLite copies.
  package func bind(_ text: String, at index: Int32) throws(SQLiteError) {
    let count = UInt64(text.utf8.count)
    try check(sqlite3_bind_text64(handle, index, text, count, copied, UInt8(SQLITE_UTF8)))
  }

  /// Binds UTF-8 text that stays where it is: the bytes must live until the next `reset`.
  package func bind(
    borrowedText bytes: UnsafeRawBufferPointer, at index: Int32
  ) throws(SQLiteError) {
    // A null pointer would bind NULL.
    let start = bytes.baseAddress ?? UnsafeRawPointer(handle)
    let text = start.assumingMemoryBound(to: CChar.self)
    let count = UInt64(bytes.count)
    try check(sqlite3_bind_text64(handle, index, text, count, nil, UInt8(SQLITE_UTF8)))
  }

  /// Binds a blob that stays where it is: the bytes must live until the next `reset`.
  package func bind(
    borrowedBlob bytes: UnsafeRawBufferPointer, at index: Int32
  ) throws(SQLiteError) {
    let start = bytes.baseAddress ?? UnsafeRawPointer(handle)
    try check(sqlite3_bind_blob64(handle, index, start, UInt64(bytes.count), nil))
  }

  // MARK: Running

  /// True when there is a row to read; false when the statement is done.
  package func step() throws(SQLiteError) -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    guard code == SQLITE_DONE else { throw error(code) }
    return false
  }

  /// Runs a statement that gives no row that matters, and resets it.
  package func run() throws(SQLiteError) {
    defer { reset() }
    _ = try step()
  }

  /// Makes the statement ready to run again; parameters keep their values.
  package func reset() {
    // The code it returns is that of the last step, which was already looked at there.
    sqlite3_reset(handle)
  }

  // MARK: Columns of the current row

  package func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  /// Nil for NULL.
  package func optionalInt64(_ column: Int32) -> Int64? {
    sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : int64(column)
  }

  /// Nil for NULL; a negative number, which no writer of one made, counts as 0.
  package func uint64(_ column: Int32) -> UInt64? {
    guard sqlite3_column_type(handle, column) != SQLITE_NULL else { return nil }
    return UInt64(clamping: int64(column))
  }

  package func string(_ column: Int32) -> String {
    withBytes(column) { String(decoding: $0, as: UTF8.self) }
  }

  package func bytes(_ column: Int32) -> [UInt8] { withBytes(column) { Array($0) } }

  /// The column's text or blob, valid within `body` only.
  package func withBytes<Value>(
    _ column: Int32, _ body: (UnsafeRawBufferPointer) -> Value
  ) -> Value {
    let start = sqlite3_column_blob(handle, column)
    return body(.init(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }

  private func check(_ code: Int32) throws(SQLiteError) {
    guard code == SQLITE_OK else { throw error(code) }
  }

  private func error(_ code: Int32) -> SQLiteError {
    let sql = sqlite3_sql(handle).map { String(cString: $0) } ?? ""
    return SQLiteError(code: code, connection: connection, sql: sql)
  }
}

/// SQLITE_TRANSIENT, a macro that Swift does not import.
private let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
