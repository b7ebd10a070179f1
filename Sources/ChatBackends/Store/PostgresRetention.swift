import ChatCore
import ChatProtocol
import PostgresClient

/// The removal of expired entries: one call, which is one transaction.
enum PostgresRetention {
  /// Conversations that one call may take entries from: so many by the age of all, and so many by that of a
  /// room's.
  static let conversationsMax: Int64 = 64
  /// The key of the advisory lock that admits one node at a time.
  private static let lock: Int64 = 0x6368_6b65_6570

  static let statement = PostgresQuery(
    .prepare(
      name: "chat_remove_expired",
      sql: "SELECT removed, is_done FROM chat_remove_expired($1, $2, $3, $4)", types: []))

  static func query(keptSince: Timestamp, now: Timestamp, limit: Int) -> PostgresQuery {
    PostgresQuery(
      .prepared(name: "chat_remove_expired"),
      [.int8(keptSince), .int8(now), .int8(Int64(max(0, limit))), .int8(conversationsMax)])
  }

  /// Nil when the rows are not what the function gives.
  static func result(_ rows: PostgresRows) -> StoreReply.Result? {
    guard rows.count == 1, let removed = rows.int64(0, 0), let isDone = rows.int64(0, 1) else {
      return nil
    }
    return .removed(count: Int(clamping: removed), isDone: isDone != 0)
  }

  /// The rows of conversations are locked as by those who append. The one whose turn it is first is
  /// waited for, with no other lock held, so that one that is written to all the time has its turn
  /// too; those behind it are left for later while somebody has them. So nobody waits in a circle.
  ///
  /// Times of a conversation never fall, so what is expired is the start of what it has.
  static let function = """
    CREATE FUNCTION chat_remove_expired(
      kept_since bigint, today bigint, entries_max bigint, conversations_max bigint
    ) RETURNS TABLE (removed bigint, is_done bigint)
    LANGUAGE plpgsql AS $function$
    #variable_conflict use_column
    DECLARE
      ids bigint[];
      place record;
      reached bigint;
      total bigint := 0;
    BEGIN
      IF NOT pg_try_advisory_xact_lock(\(lock)) THEN
        RETURN QUERY SELECT 0::bigint, 1::bigint;
        RETURN;
      END IF;

      ids := ARRAY(
        SELECT c.id FROM conversations c
        WHERE c.first_ts < kept_since ORDER BY c.first_ts LIMIT conversations_max
      ) || ARRAY(
        SELECT c.id FROM conversations c
        WHERE c.retain_days > 0 AND c.first_ts IS NOT NULL
          AND c.first_ts + c.retain_days * 86400000::bigint < today
        ORDER BY c.first_ts + c.retain_days * 86400000::bigint LIMIT conversations_max
      );
      PERFORM FROM conversations c WHERE c.id = ids[1] FOR UPDATE;

      FOR place IN
        SELECT c.id, c.low_seq, greatest(kept_since,
          CASE WHEN c.retain_days > 0 THEN today - c.retain_days * 86400000::bigint END) AS oldest
        FROM conversations c WHERE c.id = ANY (ids)
        ORDER BY c.id <> ids[1] FOR UPDATE SKIP LOCKED
      LOOP
        EXIT WHEN total >= entries_max;
        SELECT max(m.seq) INTO reached FROM (
          SELECT e.seq, e.ts FROM messages e
          WHERE e.conversation = place.id AND e.seq > place.low_seq
          ORDER BY e.seq LIMIT entries_max - total
        ) m WHERE m.ts < place.oldest;
        CONTINUE WHEN reached IS NULL;

        WITH gone AS (
          DELETE FROM messages m
          WHERE m.conversation = place.id AND m.seq > place.low_seq AND m.seq <= reached
          RETURNING m.sender, m.cid
        )
        DELETE FROM sends s USING gone g WHERE s.sender = g.sender AND s.cid = g.cid;
        UPDATE conversations c SET low_seq = reached, first_ts = (
          SELECT m.ts FROM messages m WHERE m.conversation = c.id AND m.seq = reached + 1
        ) WHERE c.id = place.id;
        total := total + reached - place.low_seq;
      END LOOP;

      RETURN QUERY SELECT total,
        (total < entries_max AND cardinality(ids) < conversations_max)::integer::bigint;
    END
    $function$
    """
}
