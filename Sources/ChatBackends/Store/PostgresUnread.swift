/// How many messages of others are between two entries of a conversation.
///
/// A function, called for those that have entries above their mark: in the statement that lists
/// conversations the count would open every partition of the log for each list, also where nothing
/// is unread, and take as long as all the rest of it.
enum PostgresUnread {
  /// Counts above `start` up to `head`, above which there is nothing: the planner is to know that
  /// few rows are between the two.
  static let function = """
    CREATE FUNCTION chat_unread(log bigint, start bigint, head bigint, reader text)
    RETURNS bigint LANGUAGE plpgsql STABLE AS $function$
    BEGIN
      RETURN (
        SELECT count(*) FROM messages m
        WHERE m.conversation = log AND m.seq > start AND m.seq <= head
          AND m.kind = 0 AND m.sender <> reader COLLATE "C" AND m.deleted_by IS NULL
      );
    END
    $function$
    """
}
