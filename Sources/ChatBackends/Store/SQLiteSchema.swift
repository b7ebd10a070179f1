import SQLiteClient

/// The tables, made and brought up to date by the server itself.
///
/// A step is never changed once released: what comes later is a further step. `user_version`
/// counts the steps that were done.
enum SQLiteSchema {
  static let steps = [messages, rooms, retention]

  private static let messages = """
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

  private static let rooms = """
    ALTER TABLE messages RENAME COLUMN reply_to TO reference;
    -- As in EntryKind.
    ALTER TABLE messages ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
    -- The last edit, whose body counts. The first stays here, to know a repeated send by.
    ALTER TABLE messages ADD COLUMN edited_by INTEGER;
    -- The deletion that emptied the body, of a message and of its edits.
    ALTER TABLE messages ADD COLUMN deleted_by INTEGER;
    CREATE INDEX edits ON messages (conversation, reference) WHERE kind = 1;

    CREATE TABLE rooms (
      conversation INTEGER PRIMARY KEY REFERENCES conversations (id),
      name TEXT NOT NULL,
      topic TEXT NOT NULL,
      is_public INTEGER NOT NULL,
      member_count INTEGER NOT NULL
    ) STRICT;

    -- As in RoomRole.
    ALTER TABLE members ADD COLUMN role INTEGER NOT NULL DEFAULT 0;
    -- What a member sees of a room while it is private: the entries above this.
    ALTER TABLE members ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
    -- The entry that a member of a room came with; NULL in a direct conversation, for which the
    -- indexes need no row then.
    ALTER TABLE members ADD COLUMN came INTEGER;
    CREATE INDEX room_members ON members (conversation, user) WHERE came IS NOT NULL;
    CREATE INDEX room_succession ON members (conversation, role DESC, came, user)
      WHERE came IS NOT NULL;
    """

  private static let retention = """
    -- The entries up to this are removed.
    ALTER TABLE conversations ADD COLUMN low_seq INTEGER NOT NULL DEFAULT 0;
    -- The time of the first entry that is not removed; NULL where there is none.
    ALTER TABLE conversations ADD COLUMN first_ts INTEGER;
    -- 0: the room keeps its entries for as long as the server does.
    ALTER TABLE conversations ADD COLUMN retain_days INTEGER NOT NULL DEFAULT 0;
    UPDATE conversations SET first_ts = (
      SELECT m.ts FROM messages m WHERE m.conversation = conversations.id AND m.seq = 1
    );
    CREATE INDEX oldest_entries ON conversations (first_ts) WHERE first_ts IS NOT NULL;
    CREATE INDEX oldest_in_rooms ON conversations (first_ts + retain_days * 86400000)
      WHERE retain_days > 0 AND first_ts IS NOT NULL;
    """

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
