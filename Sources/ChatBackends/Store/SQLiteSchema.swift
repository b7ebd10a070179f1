import SQLiteClient

/// The tables, made and brought up to date by the server itself.
///
/// A step is never changed once released: what comes later is a further step. `user_version`
/// counts the steps that were done.
enum SQLiteSchema {
  static let steps = [
    """
    CREATE TABLE conversations (
      id INTEGER PRIMARY KEY,
      key TEXT NOT NULL UNIQUE,
      last_seq INTEGER NOT NULL,
      last_ts INTEGER NOT NULL
    ) STRICT;

    -- Rows lie in the order they came, so that a group fills few pages; kept in the order of
    -- (conversation, seq) instead, groups over 1,000 conversations took more than twice as long.
    CREATE TABLE messages (
      conversation INTEGER NOT NULL REFERENCES conversations (id),
      seq INTEGER NOT NULL,
      sender TEXT NOT NULL,
      cid TEXT NOT NULL,
      ts INTEGER NOT NULL,
      reply_to INTEGER,
      body BLOB NOT NULL,
      UNIQUE (conversation, seq),
      UNIQUE (sender, cid)
    ) STRICT;

    CREATE TABLE members (
      user TEXT NOT NULL,
      conversation INTEGER NOT NULL REFERENCES conversations (id),
      recv INTEGER NOT NULL DEFAULT 0,
      read INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (user, conversation)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE nodes (
      node TEXT PRIMARY KEY,
      epoch INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """
  ]

  /// Does the steps that are missing, all of them or none.
  static func migrate(_ connection: borrowing SQLiteConnection) throws {
    try connection.execute("BEGIN IMMEDIATE")
    do {
      let done = try version(of: connection)
      guard done <= steps.count else {
        throw StoreStartError.schemaIsNewer(found: done, supported: steps.count)
      }
      for step in steps[done...] { try connection.execute(step) }
      try connection.execute("PRAGMA user_version = \(steps.count)")
      try connection.execute("COMMIT")
    } catch {
      if !connection.isAutocommit { try connection.execute("ROLLBACK") }
      throw error
    }
  }

  private static func version(of connection: borrowing SQLiteConnection) throws -> Int {
    let statement = try connection.prepare("PRAGMA user_version")
    guard try statement.step() else { return 0 }
    return Int(statement.int64(0))
  }
}
