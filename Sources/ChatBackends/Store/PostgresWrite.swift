import ChatCore
import ChatProtocol

/// A request that changes the database.
enum PostgresWrite {
  case append(Draft)
  case change(RoomDraft)
  case mark(Mark)

  struct Mark {
    var user: UserID
    var conversation: ConversationID
    var received: UInt64
    var read: UInt64
  }

  var conversation: ConversationID {
    switch self {
    case .append(let draft): draft.conversation
    case .change(let draft): draft.conversation
    case .mark(let mark): mark.conversation
    }
  }

  var bodyBytes: Int {
    switch self {
    case .append(let draft): draft.content.bodyCount
    case .change(let draft): draft.content.bodyCount
    case .mark: 0
    }
  }
}
