/// The tables, made and brought up to date by the server itself.
///
/// A step is never changed once released: what comes later is a further step, all of it in the
/// transaction that also raises `schema_version`.
enum PostgresSchema {
  /// Messages are hash-partitioned by conversation from the start, so that partitions can move to
  /// other table spaces or servers. A unique key of a partitioned table must contain what it is
  /// partitioned by; that a client id is used once has therefore a table of its own, `sends`.
  static let messagePartitions = 8

  static let steps: [[String]] = [
    [
      """
      CREATE TABLE conversations (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key text COLLATE "C" NOT NULL UNIQUE,
        last_seq bigint NOT NULL,
        last_ts bigint NOT NULL
      ) WITH (fillfactor = 70)
      """,
      """
      CREATE TABLE messages (
        conversation bigint NOT NULL,
        seq bigint NOT NULL,
        sender text COLLATE "C" NOT NULL,
        cid bytea NOT NULL,
        ts bigint NOT NULL,
        reply_to bigint,
        body bytea NOT NULL,
        PRIMARY KEY (conversation, seq)
      ) PARTITION BY HASH (conversation)
      """,
      """
      CREATE TABLE sends (
        sender text COLLATE "C" NOT NULL,
        cid bytea NOT NULL,
        conversation bigint NOT NULL,
        seq bigint NOT NULL,
        PRIMARY KEY (sender, cid)
      )
      """,
      """
      CREATE TABLE members (
        name text COLLATE "C" NOT NULL,
        conversation bigint NOT NULL REFERENCES conversations (id),
        recv bigint NOT NULL DEFAULT 0,
        read bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (name, conversation)
      )
      """,
      "CREATE TABLE nodes (node text COLLATE \"C\" PRIMARY KEY, epoch bigint NOT NULL)",
      appendFunction,
    ]
      + (0..<messagePartitions).map { remainder in
        """
        CREATE TABLE messages_\(remainder) PARTITION OF messages
        FOR VALUES WITH (MODULUS \(messagePartitions), REMAINDER \(remainder))
        """
      },
    rooms,
    retention,
    [PostgresUnread.function],
    [PostgresAppendFunctions.plain, PostgresAppendFunctions.judged],
  ]

  private static let rooms = [
    "ALTER TABLE messages RENAME COLUMN reply_to TO reference",
    // The kind is that of EntryKind. `edited_by` is the last edit, whose body counts, while the
    // first stays to know a repeated send by; `deleted_by` the deletion that emptied the body, of
    // a message and of its edits.
    """
    ALTER TABLE messages ADD COLUMN kind smallint NOT NULL DEFAULT 0,
      ADD COLUMN edited_by bigint, ADD COLUMN deleted_by bigint
    """,
    "CREATE INDEX edits ON messages (conversation, reference) WHERE kind = 1",
    // Names and topics are for people and may hold any character, which text does not.
    """
    CREATE TABLE rooms (
      conversation bigint PRIMARY KEY REFERENCES conversations (id),
      name bytea NOT NULL,
      topic bytea NOT NULL,
      is_public boolean NOT NULL,
      member_count bigint NOT NULL
    )
    """,
    // The role is that of RoomRole; a member sees the entries above `since` while the room is
    // private. `came` is the entry that a member of a room came with, and NULL in a direct
    // conversation, for which the indexes need no row then.
    """
    ALTER TABLE members ADD COLUMN role smallint NOT NULL DEFAULT 0,
      ADD COLUMN since bigint NOT NULL DEFAULT 0, ADD COLUMN came bigint
    """,
    "CREATE INDEX room_members ON members (conversation, name) WHERE came IS NOT NULL",
    """
    CREATE INDEX room_succession ON members (conversation, role DESC, came, name)
    WHERE came IS NOT NULL
    """,
    """
    DROP FUNCTION chat_append(
      text[], text[], text[], integer[], text[], bytea[], bigint[], bigint[], bytea[])
    """,
  ]

  private static let retention = [
    // Entries up to `low_seq` are removed; `first_ts` is the time of the first that is not, and NULL
    // where there is none. It changes with the first entry and with what is removed, so that appends
    // have no index to change. A room that keeps entries for as long as the server does has 0 days.
    """
    ALTER TABLE conversations ADD COLUMN low_seq bigint NOT NULL DEFAULT 0,
      ADD COLUMN first_ts bigint, ADD COLUMN retain_days integer NOT NULL DEFAULT 0
    """,
    """
    UPDATE conversations c SET first_ts = m.ts FROM messages m
    WHERE m.conversation = c.id AND m.seq = 1
    """,
    "CREATE INDEX oldest_entries ON conversations (first_ts) WHERE first_ts IS NOT NULL",
    """
    CREATE INDEX oldest_in_rooms ON conversations ((first_ts + retain_days * 86400000::bigint))
    WHERE retain_days > 0 AND first_ts IS NOT NULL
    """,
    PostgresRetention.function,
  ]

  /// Appends a group of messages in one round trip, with a handful of statements for all of them.
  ///
  /// `keys` are the conversations, each once, in rising order, with their members beside them;
  /// `places` tells of each message which of these it is for. Gives one row per message.
  /// Outcome 0: stored; 1: stored before, with this content; 2: the client id has other content.
  ///
  /// READ COMMITTED gives each statement its own snapshot. So the rows of the conversations are
  /// locked by one statement, and the next sees every message that was numbered before. Two groups
  /// that use one client id in two conversations at once meet at the key of `sends`: the second
  /// fails with 23505 and is run again.
  private static let appendFunction = """
    CREATE FUNCTION chat_append(
      keys text[], first_members text[], second_members text[], places integer[],
      senders text[], cids bytea[], times bigint[], replies bigint[], bodies bytea[]
    ) RETURNS TABLE (ordinal bigint, seq bigint, ts bigint, outcome integer)
    LANGUAGE plpgsql AS $function$
    #variable_conflict use_column
    DECLARE
      ids bigint[];
      seqs bigint[];
      clocks bigint[];
      stored integer;
    BEGIN
      INSERT INTO conversations (key, last_seq, last_ts)
      SELECT k, 0, 0 FROM unnest(keys) AS k
      WHERE NOT EXISTS (SELECT FROM conversations c WHERE c.key = k)
      ORDER BY k COLLATE "C"
      ON CONFLICT (key) DO NOTHING;

      SELECT array_agg(l.id), array_agg(l.last_seq), array_agg(l.last_ts)
      INTO ids, seqs, clocks
      FROM (
        SELECT c.id, c.last_seq, c.last_ts FROM conversations c
        WHERE c.key = ANY (keys) ORDER BY c.key FOR UPDATE
      ) l;

      RETURN QUERY
      WITH fresh AS MATERIALIZED (
        SELECT DISTINCT ON (g.sender COLLATE "C", g.cid) g.*
        FROM unnest(places, senders, cids, times, replies, bodies)
          WITH ORDINALITY AS g (place, sender, cid, ts, reply_to, body, ordinal)
        WHERE NOT EXISTS (SELECT FROM sends s WHERE s.sender = g.sender AND s.cid = g.cid)
        ORDER BY g.sender COLLATE "C", g.cid, g.ordinal
      ), numbered AS MATERIALIZED (
        SELECT f.ordinal, f.place, ids[f.place] AS conversation,
          seqs[f.place] + row_number() OVER w AS seq, f.sender, f.cid,
          greatest(clocks[f.place], max(f.ts) OVER w) AS ts, f.reply_to, f.body
        FROM fresh f WINDOW w AS (PARTITION BY f.place ORDER BY f.ordinal)
      ), kept AS (
        INSERT INTO messages (conversation, seq, sender, cid, ts, reply_to, body)
        SELECT n.conversation, n.seq, n.sender, n.cid, n.ts, n.reply_to, n.body FROM numbered n
      ), sent AS (
        INSERT INTO sends (sender, cid, conversation, seq)
        SELECT n.sender, n.cid, n.conversation, n.seq FROM numbered n
        ORDER BY n.sender COLLATE "C", n.cid
      ), counted AS (
        UPDATE conversations c SET last_seq = h.seq, last_ts = h.ts
        FROM (
          SELECT n.conversation, max(n.seq) AS seq, max(n.ts) AS ts
          FROM numbered n GROUP BY n.conversation
        ) h
        WHERE c.id = h.conversation
      ), joined AS (
        INSERT INTO members (name, conversation)
        SELECT m.name, n.conversation FROM numbered n
        CROSS JOIN LATERAL (
          VALUES (first_members[n.place]) UNION VALUES (second_members[n.place])
        ) m (name)
        WHERE n.seq = 1 AND m.name IS NOT NULL
      )
      SELECT n.ordinal, n.seq, n.ts, 0 FROM numbered n;

      GET DIAGNOSTICS stored = ROW_COUNT;
      IF stored = cardinality(places) THEN
        RETURN;
      END IF;

      -- The rest were there before, or came twice. What was just stored is told from the rest by
      -- its number, and by being the first of its client id.
      RETURN QUERY
      SELECT d.ordinal, d.seq, m.ts,
        CASE WHEN d.conversation = ids[d.place] AND m.body = d.body
          AND m.reply_to IS NOT DISTINCT FROM d.reply_to THEN 1 ELSE 2 END
      FROM (
        SELECT g.*, s.conversation, s.seq,
          row_number() OVER (PARTITION BY g.sender, g.cid ORDER BY g.ordinal) > 1
            OR s.conversation <> ids[g.place] OR s.seq <= seqs[g.place] AS is_duplicate
        FROM unnest(places, senders, cids, times, replies, bodies)
          WITH ORDINALITY AS g (place, sender, cid, ts, reply_to, body, ordinal)
        JOIN sends s ON s.sender = g.sender AND s.cid = g.cid
      ) d
      JOIN messages m ON m.conversation = d.conversation AND m.seq = d.seq
      WHERE d.is_duplicate;
    END
    $function$
    """
}
