import ChatCore
import ChatProtocol
import Testing

func room(_ name: String = "general") -> ConversationID { ConversationID(room: name) }

func change(
  _ change: RoomChange, by actor: String, in name: String = "general", cid: String,
  at timestamp: Timestamp = 1_000
) -> StoreRequest.Operation {
  .changeRoom(
    RoomDraft(
      conversation: room(name), actor: user(actor), change: change,
      content: MessageContent(clientID: cid, body: change.body), timestamp: timestamp))
}

/// An entry of a room's log.
func entry(
  _ kind: EntryKind = .message, from sender: String, in name: String = "general", cid: String,
  text: String = "hi", reference: UInt64? = nil, at timestamp: Timestamp = 1_000
) -> Draft {
  Draft(
    conversation: room(name), sender: user(sender),
    content: MessageContent(clientID: cid, body: Array(#"{"text":"\#(text)"}"#.utf8)),
    kind: kind, reference: reference, timestamp: timestamp)
}

func users(_ names: String...) -> [UserID] { names.map { user($0) } }

extension Draft {
  /// The same to be stored as another kind.
  func kind(_ kind: EntryKind) -> Draft {
    var changed = self
    changed.kind = kind
    return changed
  }
}

extension RoomSettings {
  static let open = RoomSettings(name: "General", topic: "all", isPublic: true)
  static let closed = RoomSettings(name: "Secret", topic: "none", isPublic: false)
}

extension MessageStore {
  /// What the reader may see of a conversation; nil when it is not there for the reader.
  func seen(by reader: String, in conversation: ConversationID) async -> [UInt64]? {
    let result = await ask(
      .messages(
        in: conversation, reader: user(reader), after: 0, before: .max, limit: 100,
        fromStart: true))
    if result == .refused(.notFound) { return nil }
    guard let messages = result.messages else {
      Issue.record("no messages but \(result)")
      return nil
    }
    return messages.map(\.sequence)
  }

  /// The members with their roles, as `alice:owner`; nil when the room is not there for the reader.
  func roles(
    in name: String = "general", seenBy reader: String, after: String? = nil, limit: Int = 100
  ) async -> [String]? {
    let result = await ask(
      .members(
        of: room(name), reader: user(reader), after: after.map { user($0) }, limit: limit))
    switch result {
    case .members(let members):
      return members.map { "\($0.member.user.name):\($0.member.role.name)" }
    case .refused(.notFound): return nil
    default:
      Issue.record("no members but \(result)")
      return nil
    }
  }

  func states(of name: String, countsUnread: Bool = false) async -> [ConversationState] {
    let result = await ask(
      .conversations(of: user(name), limit: 100, countsUnread: countsUnread))
    guard case .conversations(let states) = result else {
      Issue.record("no conversations but \(result)")
      return []
    }
    return states
  }
}
