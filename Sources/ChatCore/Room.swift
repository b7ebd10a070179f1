import ChatProtocol
import DequeModule

/// A room as this hub sees it: the sessions of its members here, and how far its log was handed to
/// them. Exists while there is a session.
final class Room: Audience {
  /// An entry on its way to many sessions, some in each turn.
  struct Fanout {
    let message: Message
    /// Has had the `ack`.
    let origin: SessionID?
    /// Those that were here when the entry came up.
    let sessions: [Session]
    var next = 0
  }

  let conversation: ConversationID
  let name: String
  /// About how many members the room has, on all nodes.
  var memberCount: Int
  /// Entries that not all sessions have been handed, the first one half-way.
  @exclusivity(unchecked) var fanouts: Deque<Fanout> = []
  /// Whether the registry said that this hub hears of the room.
  var isSubscribed = false

  init(_ conversation: ConversationID, name: String, head: UInt64, memberCount: Int) {
    self.conversation = conversation
    self.name = name
    self.memberCount = memberCount
    super.init()
    isLoaded = true
    cursors = ConversationCursors([.init(conversation: conversation, sequence: head)])
  }

  var topic: Topic { .room(name) }

  override func address(of message: Message) -> Address { .room(name) }
}
