package import Bytes
import JSON

/// How the answer to a request below `/api/chat/` is written.
package enum SpringAnswer: Sendable {
  /// A room was made, joined or left. The name is of one that was made.
  case done(room: String, name: String?)
  case members
  case rooms
  case status
  case messages

  /// Nil for a command that no such request stands for.
  package init?(to command: Command) {
    switch command {
    case .changeRoom(let command):
      let made: RoomSettings? =
        if case .create(let settings, members: _) = command.change { settings } else { nil }
      self = .done(room: command.room, name: made?.name)
    case .members: self = .members
    case .conversations: self = .rooms
    case .watchPresence: self = .status
    case .history: self = .messages
    default: return nil
    }
  }

  /// Appends the answer; of an error what Spring's clients read.
  package func encode(_ event: borrowing Event, into buffer: inout ByteBuffer) {
    switch (self, copy event) {
    case (_, .error(_, let code, let message, let milliseconds)):
      SpringMessage.encode(code, message, retryAfterMilliseconds: milliseconds, into: &buffer)
    case (.done(let room, let name), .done):
      Self.append(room: room, name: name, to: &buffer)
      buffer.append("}")
    case (.members, .members(_, room: _, let items, more: _)):
      buffer.appendList(of: items) { Self.append($1, to: &$0) }
    case (.rooms, .conversations(_, let items)):
      let rooms = items.filter { $0.room != nil }
      let namesEnd = buffer.count + ConversationSummary.namedBytesMax
      buffer.appendList(of: rooms) { Self.append($1, isNamed: $0.count < namesEnd, to: &$0) }
    case (.status, .watching(_, let users)):
      if let user = users.first { Self.append(user, to: &buffer) }
    case (.messages, .page(_, conversation: _, let items, more: _)):
      buffer.appendList(of: items.filter(SpringMessage.hasForm)) { buffer, message in
        _ = SpringMessage.encode(message, into: &buffer)
      }
    default:
      preconditionFailure("an answer to another request")
    }
  }

  private static func append(room: String, name: String?, to buffer: inout ByteBuffer) {
    buffer.append(#"{"id":"#)
    buffer.append(jsonString: room)
    buffer.append(#","roomId":"#)
    buffer.append(jsonString: room)
    guard let name else { return }
    buffer.append(#","name":"#)
    buffer.append(jsonString: name)
  }

  private static func append(_ listed: ListedMember, to buffer: inout ByteBuffer) {
    let member = listed.member
    buffer.append(#"{"userId":"#)
    buffer.append(jsonString: member.user.name)
    buffer.append(#","username":"#)
    buffer.append(jsonString: member.user.name)
    buffer.append(#","role":"#)
    buffer.append(jsonString: member.role.name.uppercased())
    buffer.append("}")
  }

  private static func append(
    _ summary: ConversationSummary, isNamed: Bool, to buffer: inout ByteBuffer
  ) {
    guard case .room(let room) = summary.address, let facts = summary.room else { return }
    append(room: room, name: isNamed ? facts.settings.name : nil, to: &buffer)
    if isNamed {
      buffer.append(#","description":"#)
      buffer.append(jsonString: facts.settings.topic)
    }
    buffer.append(#","isPrivate":"#)
    buffer.append(facts.settings.isPublic ? "false" : "true")
    buffer.append(#","role":"#)
    buffer.append(jsonString: facts.role.name.uppercased())
    buffer.append(#","memberCount":"#)
    buffer.append(decimal: Int64(facts.memberCount))
    buffer.append(#","unreadCount":"#)
    buffer.append(decimal: summary.unread)
    buffer.append("}")
  }

  private static func append(_ user: WatchedUser, to buffer: inout ByteBuffer) {
    buffer.append(#"{"userId":"#)
    buffer.append(jsonString: user.user.name)
    buffer.append(#","status":"#)
    buffer.append(jsonString: user.presence.state.name.uppercased())
    buffer.append(#","lastSeen":"#)
    if let time = user.presence.lastSeen {
      buffer.append("\"")
      buffer.append(dateTime: time)
      buffer.append("\"")
    } else {
      buffer.append("null")
    }
    buffer.append("}")
  }
}

extension ByteBuffer {
  fileprivate mutating func appendList<Item>(
    of items: [Item], _ append: (inout ByteBuffer, Item) -> Void
  ) {
    self.append("[")
    for (index, item) in items.enumerated() {
      if index > 0 { self.append(",") }
      append(&self, item)
    }
    self.append("]")
  }
}
