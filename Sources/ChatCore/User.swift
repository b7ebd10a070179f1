import ChatProtocol

/// A user as this hub sees them: the sessions here, and how far each conversation was handed
/// to them.
///
/// Order is kept per user, not per session: a message is handed at once to all sessions that
/// have no `Lag` in its conversation. Exists while there is a session. What every message looks
/// at goes unchecked, as in `Hub`.
final class User {
  let id: UserID
  @exclusivity(unchecked) var sessions: [Session] = []
  /// False until the store has said where the conversations stand. What arrives until then is
  /// held in `holes`.
  var isLoaded = false
  /// Whether `cursors` has every conversation, so that an unknown one must be new.
  var isComplete = true
  @exclusivity(unchecked) var cursors = ConversationCursors()
  /// The conversations in which something above the cursor is known or held.
  @exclusivity(unchecked) var holes: [ConversationID: Hole] = [:]
  var messagesHeld = 0
  /// When the heads are to be compared next; alarms for other times are void.
  var sweepAt: Int64 = 0

  init(id: UserID) { self.id = id }

  /// Lets go of what it owns: reads under way may keep the user itself for a while.
  func forget() {
    cursors = ConversationCursors()
    holes = [:]
    messagesHeld = 0
  }

  func session(ofDevice device: String) -> Session? {
    sessions.first { $0.device == device }
  }

  /// The last number handed out, 0 in a new conversation, nil if that cannot be told.
  func cursor(in conversation: ConversationID) -> UInt64? {
    cursors[conversation] ?? (isComplete ? 0 : nil)
  }
}
