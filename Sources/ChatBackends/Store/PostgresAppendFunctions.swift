/// The functions by which a group of appends is stored in one round trip, with a handful of
/// statements for all of them.
///
/// `keys` are the conversations, each once, in rising order, with their members beside them;
/// `places` tells of each entry which of these it is for. Both give one row per entry. Outcome 0:
/// stored; 1: stored before, with this content; 2: the client id has other content; 3: refused, not
/// found; 4: refused, forbidden.
///
/// READ COMMITTED gives each statement its own snapshot. So the rows of the conversations are
/// locked by one statement, and the next sees every entry that was numbered before. Two groups
/// that use one client id in two conversations at once meet at the key of `sends`: the second
/// fails with 23505 and is run again.
///
/// Whoever waits holds nothing that comes later in this order, so nobody waits in a circle: the
/// rows of conversations by key, the keys of `sends`, which one statement inserts sorted, and the
/// rows of members by conversation and name, which marks and changes of rooms take.
///
/// A conversation is made by a message that is kept, not by an entry that is refused or a client
/// id that was used before: its place has NULL for an id then. One that comes into being behind
/// the look at it is left alone, because it is not locked here.
///
/// As they are since the fifth step of the schema.
enum PostgresAppendFunctions {
  /// Makes the conversations of the messages in `entries` whose client ids are free, if they are not there.
  ///
  /// - Parameters:
  ///   - entries: rows `g` of the group, with place, sender, cid and ordinal.
  ///   - condition: which of them are such messages, with an AND behind it; empty: all.
  private static func insertionOfConversations(
    for entries: String, where condition: String = ""
  ) -> String {
    """
    IF (SELECT count(*) FROM conversations c WHERE c.key = ANY (keys)) < cardinality(keys) THEN
      INSERT INTO conversations (key, last_seq, last_ts)
      SELECT n.key, 0, 0 FROM (
        SELECT DISTINCT keys[f.place] AS key FROM (
          SELECT DISTINCT ON (g.sender COLLATE "C", g.cid) g.place
          FROM \(entries)
          WHERE \(condition)NOT EXISTS (
            SELECT FROM sends s WHERE s.sender = g.sender AND s.cid = g.cid)
          ORDER BY g.sender COLLATE "C", g.cid, g.ordinal
        ) f
      ) n
      WHERE NOT EXISTS (SELECT FROM conversations c WHERE c.key = n.key)
      ORDER BY n.key COLLATE "C"
      ON CONFLICT (key) DO NOTHING;
    END IF;
    """
  }

  /// For messages of direct conversations.
  static let plain = """
    CREATE OR REPLACE FUNCTION chat_append(
      keys text[], first_members text[], second_members text[], places integer[],
      senders text[], cids bytea[], times bigint[], refs bigint[], bodies bytea[]
    ) RETURNS TABLE (ordinal bigint, seq bigint, ts bigint, outcome integer)
    LANGUAGE plpgsql AS $function$
    #variable_conflict use_column
    DECLARE
      ids bigint[];
      seqs bigint[];
      clocks bigint[];
      stored integer;
      known integer;
    BEGIN
      \(insertionOfConversations(
        for: "unnest(places, senders, cids) WITH ORDINALITY AS g (place, sender, cid, ordinal)"))

      SELECT array_agg(l.id), array_agg(l.last_seq), array_agg(l.last_ts)
      INTO ids, seqs, clocks
      FROM (
        SELECT c.id, c.last_seq, c.last_ts FROM conversations c
        WHERE c.key = ANY (keys) ORDER BY c.key FOR UPDATE
      ) l;
      IF cardinality(ids) IS DISTINCT FROM cardinality(keys) THEN
        SELECT array_agg(c.id ORDER BY k.place), array_agg(c.last_seq ORDER BY k.place),
          array_agg(c.last_ts ORDER BY k.place)
        INTO ids, seqs, clocks
        FROM unnest(keys) WITH ORDINALITY AS k (key, place)
        LEFT JOIN conversations c ON c.key = k.key AND c.id = ANY (ids);
      END IF;

      RETURN QUERY
      WITH fresh AS MATERIALIZED (
        SELECT DISTINCT ON (g.sender COLLATE "C", g.cid) g.*
        FROM unnest(places, senders, cids, times, refs, bodies)
          WITH ORDINALITY AS g (place, sender, cid, ts, reference, body, ordinal)
        WHERE NOT EXISTS (SELECT FROM sends s WHERE s.sender = g.sender AND s.cid = g.cid)
        ORDER BY g.sender COLLATE "C", g.cid, g.ordinal
      ), numbered AS MATERIALIZED (
        SELECT f.ordinal, f.place, ids[f.place] AS conversation,
          seqs[f.place] + row_number() OVER w AS seq, f.sender, f.cid,
          greatest(clocks[f.place], max(f.ts) OVER w) AS ts, f.reference, f.body
        FROM fresh f WHERE ids[f.place] IS NOT NULL
        WINDOW w AS (PARTITION BY f.place ORDER BY f.ordinal)
      ), kept AS (
        INSERT INTO messages (conversation, seq, sender, cid, ts, reference, body)
        SELECT n.conversation, n.seq, n.sender, n.cid, n.ts, n.reference, n.body FROM numbered n
      ), sent AS (
        INSERT INTO sends (sender, cid, conversation, seq)
        SELECT n.sender, n.cid, n.conversation, n.seq FROM numbered n
        ORDER BY n.sender COLLATE "C", n.cid
      ), counted AS (
        UPDATE conversations c
        SET last_seq = h.seq, last_ts = h.ts, first_ts = coalesce(c.first_ts, h.first_ts)
        FROM (
          SELECT n.conversation, max(n.seq) AS seq, max(n.ts) AS ts,
            min(n.ts) AS first_ts
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
        CASE WHEN d.conversation = ids[d.place] AND m.kind = 0
          AND (m.body = d.body OR m.deleted_by IS NOT NULL)
          AND m.reference IS NOT DISTINCT FROM d.reference THEN 1 ELSE 2 END
      FROM (
        SELECT g.*, s.conversation, s.seq,
          row_number() OVER (PARTITION BY g.sender, g.cid ORDER BY g.ordinal) > 1
            OR s.conversation IS DISTINCT FROM ids[g.place] OR s.seq <= seqs[g.place]
            AS is_duplicate
        FROM unnest(places, senders, cids, times, refs, bodies)
          WITH ORDINALITY AS g (place, sender, cid, ts, reference, body, ordinal)
        JOIN sends s ON s.sender = g.sender AND s.cid = g.cid
      ) d
      JOIN messages m ON m.conversation = d.conversation AND m.seq = d.seq
      WHERE d.is_duplicate;

      -- An entry of another conversation, which is not locked here, may have been removed between
      -- two statements: its client id is free then, and the group is run again.
      GET DIAGNOSTICS known = ROW_COUNT;
      IF stored + known < cardinality(places) THEN
        RAISE serialization_failure;
      END IF;
    END
    $function$
    """

  /// For entries of all kinds and conversations. The same rules are in `EntryRules`.
  ///
  /// Done in stages, each seeing what those before it stored; within one, no entry depends on
  /// another and no client id comes twice. The stages of `stages` count from 1.
  ///
  /// Which client ids come in which stage is for clients to choose. Where there are several stages,
  /// all keys of `sends` are therefore inserted behind the last; until then `logs` and `numbers`
  /// have what was stored, each at the place that the first entry with its client id has.
  static let judged = """
    CREATE OR REPLACE FUNCTION chat_append_judged(
      keys text[], first_members text[], second_members text[], stages integer[],
      places integer[], senders text[], cids bytea[], times bigint[], kinds integer[],
      refs bigint[], bodies bytea[]
    ) RETURNS TABLE (ordinal bigint, seq bigint, ts bigint, outcome integer)
    LANGUAGE plpgsql AS $function$
    #variable_conflict use_column
    DECLARE
      last_stage integer := (SELECT max(s) FROM unnest(stages) AS s);
      ids bigint[];
      firsts bigint[];
      logs bigint[];
      numbers bigint[];
      log bigint;
    BEGIN
      -- Direct conversations alone: rooms are made otherwise, and known by having no members here.
      -- One is made for nothing when its message has the client id of an entry of another kind that
      -- is stored in a stage before.
      \(insertionOfConversations(
        for: """
          unnest(places, senders, cids, kinds)
            WITH ORDINALITY AS g (place, sender, cid, kind, ordinal)
          """,
        where: "g.kind = 0 AND first_members[g.place] IS NOT NULL AND "))

      SELECT array_agg(l.id) INTO ids FROM (
        SELECT c.id FROM conversations c WHERE c.key = ANY (keys) ORDER BY c.key FOR UPDATE
      ) l;
      IF cardinality(ids) IS DISTINCT FROM cardinality(keys) THEN
        SELECT array_agg(c.id ORDER BY k.place) INTO ids
        FROM unnest(keys) WITH ORDINALITY AS k (key, place)
        LEFT JOIN conversations c ON c.key = k.key AND c.id = ANY (ids);
      END IF;

      IF last_stage > 1 THEN
        SELECT array_agg(f.first ORDER BY f.ordinal) INTO firsts FROM (
          SELECT g.ordinal, min(g.ordinal) OVER (PARTITION BY g.sender COLLATE "C", g.cid) AS first
          FROM unnest(senders, cids) WITH ORDINALITY AS g (sender, cid, ordinal)
        ) f;
        logs := array_fill(NULL::bigint, ARRAY[cardinality(places)]);
        numbers := logs;
      END IF;

      FOR current_stage IN 1..last_stage LOOP
        FOR ordinal, seq, ts, outcome, log IN
        WITH given AS MATERIALIZED (
          SELECT g.*, c.id AS conversation, c.last_seq, c.last_ts,
            first_members[g.place] IS NULL AS is_room,
            coalesce(s.conversation, logs[firsts[g.ordinal]]) AS sent_in,
            coalesce(s.seq, numbers[firsts[g.ordinal]]) AS sent_as
          FROM unnest(stages, places, senders, cids, times, kinds, refs, bodies)
            WITH ORDINALITY AS g (stage, place, sender, cid, ts, kind, reference, body, ordinal)
          LEFT JOIN conversations c ON c.id = ids[g.place]
          LEFT JOIN sends s ON s.sender = g.sender AND s.cid = g.cid
          WHERE g.stage = current_stage
        ), judged AS MATERIALIZED (
          SELECT g.*, CASE
              WHEN g.is_room AND p.name IS NULL THEN 3
              WHEN g.kind = 0 AND g.conversation IS NULL THEN 5
              WHEN g.kind = 0 THEN 0
              WHEN g.kind = 4 THEN 4
              WHEN t.seq IS NULL OR t.kind <> 0 OR t.deleted_by IS NOT NULL
                OR (g.is_room AND NOT r.is_public AND t.seq <= p.since) THEN 3
              WHEN g.kind = 3 OR t.sender = g.sender THEN 0
              WHEN g.kind = 2 AND g.is_room AND p.role >= 1 THEN 0
              ELSE 4
            END AS outcome
          FROM given g
          LEFT JOIN rooms r ON r.conversation = CASE WHEN g.is_room THEN g.conversation END
          LEFT JOIN members p
            ON p.conversation = CASE WHEN g.is_room THEN g.conversation END AND p.name = g.sender
          LEFT JOIN messages t ON t.conversation = g.conversation
            AND t.seq = CASE WHEN g.kind <> 0 THEN g.reference END
          WHERE g.sent_as IS NULL
        ), numbered AS MATERIALIZED (
          SELECT j.ordinal, j.place, j.conversation, j.last_seq + row_number() OVER w AS seq,
            j.sender, j.cid, greatest(j.last_ts, max(j.ts) OVER w) AS ts, j.kind, j.reference,
            j.body
          FROM judged j WHERE j.outcome = 0
          WINDOW w AS (PARTITION BY j.place ORDER BY j.ordinal)
        ), kept AS (
          INSERT INTO messages (conversation, seq, sender, cid, ts, kind, reference, body)
          SELECT n.conversation, n.seq, n.sender, n.cid, n.ts, n.kind, n.reference, n.body
          FROM numbered n
        ), sent AS (
          INSERT INTO sends (sender, cid, conversation, seq)
          SELECT n.sender, n.cid, n.conversation, n.seq FROM numbered n
          WHERE last_stage = 1
          ORDER BY n.sender COLLATE "C", n.cid
        ), counted AS (
          UPDATE conversations c
          SET last_seq = h.seq, last_ts = h.ts, first_ts = coalesce(c.first_ts, h.first_ts)
          FROM (
            SELECT n.conversation, max(n.seq) AS seq, max(n.ts) AS ts,
              min(n.ts) AS first_ts
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
        ), edited AS (
          UPDATE messages m SET edited_by = n.seq FROM numbered n
          WHERE n.kind = 1 AND m.conversation = n.conversation AND m.seq = n.reference
        ), deleted AS (
          UPDATE messages m SET body = '', deleted_by = n.seq FROM numbered n
          WHERE n.kind = 2 AND m.conversation = n.conversation AND m.seq = n.reference
        ), emptied AS (
          UPDATE messages m SET body = '', deleted_by = n.seq FROM numbered n
          WHERE n.kind = 2 AND m.conversation = n.conversation AND m.reference = n.reference
            AND m.kind = 1
        )
        SELECT n.ordinal, n.seq, n.ts, 0, n.conversation FROM numbered n
        UNION ALL
        SELECT j.ordinal, 0::bigint, 0::bigint, j.outcome, 0::bigint
        FROM judged j WHERE j.outcome <> 0
        UNION ALL
        SELECT g.ordinal, g.sent_as, m.ts,
          CASE WHEN g.sent_in = g.conversation AND m.kind = g.kind
            AND (m.body = g.body OR m.deleted_by IS NOT NULL)
            AND m.reference IS NOT DISTINCT FROM g.reference THEN 1 ELSE 2 END, 0::bigint
        FROM given g JOIN messages m ON m.conversation = g.sent_in AND m.seq = g.sent_as
        LOOP
          -- As above: what had the client id was removed after the conversation was not made.
          IF outcome = 5 THEN
            RAISE serialization_failure;
          END IF;
          IF last_stage > 1 AND outcome = 0 THEN
            logs[firsts[ordinal]] := log;
            numbers[firsts[ordinal]] := seq;
          END IF;
          RETURN NEXT;
        END LOOP;
      END LOOP;

      IF last_stage > 1 THEN
        INSERT INTO sends (sender, cid, conversation, seq)
        SELECT g.sender, g.cid, g.log, g.number
        FROM unnest(senders, cids, logs, numbers) AS g (sender, cid, log, number)
        WHERE g.log IS NOT NULL
        ORDER BY g.sender COLLATE "C", g.cid;
      END IF;
    END
    $function$
    """
}
