import ChatProtocol

/// Sessions of this hub that see the same conversations, at the same place in each: those of a user,
/// or those of the members of a room.
///
/// Order is kept here, not per session: a message is handed at once to all sessions that have no `Lag`
/// in its conversation. What every message looks at goes unchecked, as in `Hub`.
class Audience {
  @exclusivity(unchecked) final var sessions: [Session] = []
  /// False until the store has said where the conversations stand. What arrives until then is
  /// held in `holes`.
  final var isLoaded = false
  /// Whether `cursors` has every conversation, so that an unknown one must be new.
  final var isComplete = true
  /// The hub has let go of it.
  private(set) final var isForgotten = false
  @exclusivity(unchecked) final var cursors = ConversationCursors()
  /// The conversations in which something above the cursor is known or held.
  @exclusivity(unchecked) final var holes: [ConversationID: Hole] = [:]
  final var messagesHeld = 0

  /// Lets go of what it owns: reads under way may keep the audience itself for a while.
  final func forget() {
    isForgotten = true
    cursors = ConversationCursors()
    holes = [:]
    messagesHeld = 0
  }

  /// The last number handed out, 0 in a new conversation, nil if that cannot be told.
  final func cursor(in conversation: ConversationID) -> UInt64? {
    cursors[conversation] ?? (isComplete ? 0 : nil)
  }

  /// Under which name these sessions know the conversation of a message.
  func address(of message: Message) -> Address { preconditionFailure("an audience of no kind") }
}
