import ChatProtocol
import DequeModule

/// A room as this hub sees it: the sessions of its members here, and how far its log was handed to
/// them. Exists while there is a session.
final class Room: Audience {
  /// What is on its way to many sessions, to some in each turn.
  enum Fanout {
    /// The origin has had the `ack`.
    case message(Message, origin: SessionID?)
    case gap(Gap)

    /// What a `gap` in its place says.
    var gap: Gap {
      switch self {
      case .message(let message, _):
        Gap(after: message.sequence - 1, before: message.sequence + 1)
      case .gap(let gap): gap
      }
    }
  }

  let conversation: ConversationID
  let name: String
  /// About how many members the room has, on all nodes. What the store counted, and since then what
  /// entries say, which may name members among those whom they add.
  private(set) var memberCount: Int
  /// Up to which entry the store counted.
  private var countedThrough: UInt64
  /// What not all sessions have been handed, up to the room's place and without gaps. It is for all of
  /// them; one that came later is `ahead` of what was written before.
  @exclusivity(unchecked) var fanouts: Deque<Fanout> = []
  /// How many sessions, from the start of them, have been handed the first of these.
  @exclusivity(unchecked) var handedFirst = 0
  /// Whether the registry said that this hub hears of the room.
  var isSubscribed = false
  /// When somebody's typing is told next.
  var nextTyping: Int64 = 0

  init(_ conversation: ConversationID, name: String, head: UInt64, memberCount: Int) {
    self.conversation = conversation
    self.name = name
    self.memberCount = memberCount
    countedThrough = head
    super.init()
    isLoaded = true
    cursors = ConversationCursors([.init(conversation: conversation, sequence: head)])
  }

  var topic: Topic { .room(name) }

  override func address(of message: Message) -> Address { .room(name) }

  /// The store counted the members when the room was at `head`. A list from before what has been handed
  /// out says less.
  func count(_ members: Int, at head: UInt64) {
    guard head >= max(countedThrough, cursor(in: conversation) ?? 0) else { return }
    memberCount = members
    countedThrough = head
  }

  /// The entry at `sequence` makes the members more, or fewer.
  func count(change: Int, at sequence: UInt64) {
    if sequence > countedThrough { memberCount += change }
  }

  /// The others keep their order, and what is on its way to them.
  func removeSessions(where isGone: (Session) -> Bool) {
    if handedFirst > 0 { handedFirst -= sessions[..<handedFirst].count(where: isGone) }
    sessions.removeAll(where: isGone)
  }

  /// Up to where a session has been handed the room, if something is on its way.
  ///
  /// - Parameter index: its own among the sessions.
  func placeOnTheWay(toSessionAt index: Int) -> UInt64? {
    guard let first = fanouts.first?.gap else { return nil }
    return index < handedFirst ? first.before - 1 : first.after
  }

  /// What is on its way to a session.
  ///
  /// - Parameter index: its own among the sessions.
  func fanouts(toSessionAt index: Int) -> Deque<Fanout>.SubSequence {
    fanouts.dropFirst(index < handedFirst ? 1 : 0)
  }
}
