import ChatProtocol
import DequeModule

/// A room as this hub sees it: the sessions of its members here, and how far its log was handed to
/// them. Exists while there is a session.
final class Room: Audience {
  /// What is on its way to many sessions, to some in each turn.
  struct Fanout {
    enum Item {
      /// The origin has had the `ack`.
      case message(Message, origin: SessionID?)
      case gap(Gap)
    }

    var item: Item
    /// Those that were here when it came up.
    var sessions: [Session]
    var next = 0

    /// The number before the first that it hands out.
    var start: UInt64 {
      switch item {
      case .message(let message, _): message.sequence - 1
      case .gap(let gap): gap.after
      }
    }
  }

  let conversation: ConversationID
  let name: String
  /// About how many members the room has, on all nodes.
  var memberCount: Int
  /// What not all sessions have been handed, the first one half-way.
  @exclusivity(unchecked) var fanouts: Deque<Fanout> = []
  /// Whether the registry said that this hub hears of the room.
  var isSubscribed = false
  /// When somebody's typing is told next.
  var nextTyping: Int64 = 0

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

  /// Takes its sessions out of what is on its way to them. Says up to where each of these has been handed
  /// the room.
  func withdraw() -> [ObjectIdentifier: UInt64] {
    guard !fanouts.isEmpty else { return [:] }
    let present = Set(sessions.lazy.map { ObjectIdentifier($0) })
    var places: [ObjectIdentifier: UInt64] = [:]
    for index in fanouts.indices {
      let fanout = fanouts[index]
      var others: [Session] = []
      for session in fanout.sessions[fanout.next...] {
        guard present.contains(ObjectIdentifier(session)) else {
          others.append(session)
          continue
        }
        if places[ObjectIdentifier(session)] == nil {
          places[ObjectIdentifier(session)] = fanout.start
        }
      }
      fanouts[index].sessions = others
      fanouts[index].next = 0
    }
    return places
  }

  /// Up to where the session has been handed the room, if something is on its way to it.
  func placeOnTheWay(to session: Session) -> UInt64? {
    fanouts.first { $0.sessions[$0.next...].contains { $0 === session } }?.start
  }
}
