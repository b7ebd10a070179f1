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
/// As they are since the third step of the schema.
enum PostgresAppendFunctions {
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
        FROM unnest(places, senders, cids, times, refs, bodies)
          WITH ORDINALITY AS g (place, sender, cid, ts, reference, body, ordinal)
        WHERE NOT EXISTS (SELECT FROM sends s WHERE s.sender = g.sender AND s.cid = g.cid)
        ORDER BY g.sender COLLATE "C", g.cid, g.ordinal
      ), numbered AS MATERIALIZED (
        SELECT f.ordinal, f.place, ids[f.place] AS conversation,
          seqs[f.place] + row_number() OVER w AS seq, f.sender, f.cid,
          greatest(clocks[f.place], max(f.ts) OVER w) AS ts, f.reference, f.body
        FROM fresh f WINDOW w AS (PARTITION BY f.place ORDER BY f.ordinal)
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
            OR s.conversation <> ids[g.place] OR s.seq <= seqs[g.place] AS is_duplicate
        FROM unnest(places, senders, cids, times, refs, bodies)
          WITH ORDINALITY AS g (place, sender, cid, ts, reference, body, ordinal)
        JOIN sends s ON s.sender = g.sender AND s.cid = g.cid
      ) d
      JOIN messages m ON m.conversation = d.conversation AND m.seq = d.seq
      WHERE d.is_duplicate;

      -- An entry of another conversation, which is not locked here, may have been removed between
      -- the two statements: its client id is free then, and the group is run again.
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
  static let judged = """
    CREATE OR REPLACE FUNCTION chat_append_judged(
      keys text[], first_members text[], second_members text[], stages integer[],
      places integer[], senders text[], cids bytea[], times bigint[], kinds integer[],
      refs bigint[], bodies bytea[]
    ) RETURNS TABLE (ordinal bigint, seq bigint, ts bigint, outcome integer)
    LANGUAGE plpgsql AS $function$
    #variable_conflict use_column
    BEGIN
      -- Direct conversations alone: rooms are made otherwise, and known by having no members here.
      INSERT INTO conversations (key, last_seq, last_ts)
      SELECT k.key, 0, 0 FROM unnest(keys, first_members) AS k (key, member)
      WHERE k.member IS NOT NULL
        AND NOT EXISTS (SELECT FROM conversations c WHERE c.key = k.key)
      ORDER BY k.key COLLATE "C"
      ON CONFLICT (key) DO NOTHING;

      PERFORM FROM conversations c WHERE c.key = ANY (keys) ORDER BY c.key FOR UPDATE;

      FOR current_stage IN 1..(SELECT max(s) FROM unnest(stages) AS s) LOOP
        RETURN QUERY
        WITH given AS MATERIALIZED (
          SELECT g.*, c.id AS conversation, c.last_seq, c.last_ts,
            first_members[g.place] IS NULL AS is_room, s.conversation AS sent_in, s.seq AS sent_as
          FROM unnest(stages, places, senders, cids, times, kinds, refs, bodies)
            WITH ORDINALITY AS g (stage, place, sender, cid, ts, kind, reference, body, ordinal)
          LEFT JOIN conversations c ON c.key = keys[g.place]
          LEFT JOIN sends s ON s.sender = g.sender AND s.cid = g.cid
          WHERE g.stage = current_stage
        ), judged AS MATERIALIZED (
          SELECT g.*, CASE
              WHEN g.is_room AND p.name IS NULL THEN 3
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
        SELECT n.ordinal, n.seq, n.ts, 0 FROM numbered n
        UNION ALL
        SELECT j.ordinal, 0::bigint, 0::bigint, j.outcome FROM judged j WHERE j.outcome <> 0
        UNION ALL
        SELECT g.ordinal, g.sent_as, m.ts,
          CASE WHEN g.sent_in = g.conversation AND m.kind = g.kind
            AND (m.body = g.body OR m.deleted_by IS NOT NULL)
            AND m.reference IS NOT DISTINCT FROM g.reference THEN 1 ELSE 2 END
        FROM given g JOIN messages m ON m.conversation = g.sent_in AND m.seq = g.sent_as;
      END LOOP;
    END
    $function$
    """
}
