import HTTP1

/// A request of the REST interface stands for a frame of chat.v1: the route says which, its path and
/// query have some of the frame's fields, and the JSON object in its body the others.
struct APIRoute: Sendable {
  enum Segment: Sendable {
    case literal(String)
    case field(Field)
  }

  /// A field of the frame, and how its text is written there.
  struct Field: Sendable {
    enum Form: Sendable {
      case string
      case number
      /// A list of one string.
      case list
      /// An address, whose sigil need not be written.
      case user, room
      /// No field: the caller, whose path it is.
      case caller
    }

    let name: StaticString
    let form: Form
    /// The parameter's.
    let key: StaticString

    init(name: StaticString, form: Form, key: StaticString? = nil) {
      self.name = name
      self.form = form
      self.key = key ?? name
    }
  }

  /// How the answer is written.
  enum Form: Sendable {
    /// As chat.v1 has it.
    case chat
    /// As chat.v1 has it, without the conversations that are no rooms.
    case rooms
    /// As Spring's convention has it; a body that makes a room has that form, too.
    case spring
  }

  let method: Method
  let segments: [Segment]
  /// Of the frame.
  let type: StaticString
  let query: [Field]
  /// Of the answer to a request that succeeds.
  let status: Status
  let form: Form

  /// - Parameter path: its segments behind `/api`, of which `{to}` is a field.
  init(
    _ method: Method, _ path: String, _ type: StaticString, query: [Field] = [],
    status: Status = .ok, form: Form = .chat
  ) {
    self.method = method
    self.type = type
    self.query = query
    self.status = status
    self.form = form
    segments = path.split(separator: "/").map { segment in
      switch segment {
      case "{to}": .field(Field(name: "to", form: .string))
      case "{target}": .field(Field(name: "target", form: .number))
      case "{room}": .field(Field(name: "room", form: .string))
      case "{user}": .field(Field(name: "user", form: .string))
      case "{watched}": .field(Field(name: "users", form: .list))
      case "{caller}": .field(Field(name: "caller", form: .caller))
      case "{to user}": .field(Field(name: "to", form: .user))
      case "{to room}": .field(Field(name: "to", form: .room))
      default: .literal(String(segment))
      }
    }
  }

  static let prefix = "/api/"

  static let all = chat + spring

  private static let chat: [APIRoute] = {
    let members: [Field] = [
      Field(name: "after", form: .string), Field(name: "limit", form: .number),
    ]
    let after = Field(name: "after", form: .number)
    let message = "conversations/{to}/messages/{target}"
    return [
      APIRoute(.get, "conversations", "conversations"),
      APIRoute(.get, "conversations/{to}/messages", "history", query: page + [after]),
      APIRoute(.post, "conversations/{to}/messages", "send", status: .created),
      APIRoute(.patch, message, "edit"),
      // Not every client can write the body of a DELETE.
      APIRoute(.delete, message, "delete", query: [Field(name: "cid", form: .string)]),
      APIRoute(.post, message + "/reactions", "react", status: .created),
      APIRoute(.put, "conversations/{to}/recv", "recv"),
      APIRoute(.put, "conversations/{to}/read", "read"),
      APIRoute(.get, "rooms", "conversations", form: .rooms),
      APIRoute(.post, "rooms", "room.create", status: .created),
      APIRoute(.patch, "rooms/{room}", "room.update"),
      APIRoute(.post, "rooms/{room}/join", "room.join"),
      APIRoute(.post, "rooms/{room}/leave", "room.leave"),
      APIRoute(.get, "rooms/{room}/members", "room.members", query: members),
      APIRoute(.post, "rooms/{room}/members", "room.invite"),
      APIRoute(.put, "rooms/{room}/members/{user}", "room.role"),
      APIRoute(.delete, "rooms/{room}/members/{user}", "room.kick"),
      APIRoute(.get, "users/{watched}/presence", "presence.watch"),
    ]
  }()

  private static let page: [Field] = [
    Field(name: "before", form: .number), Field(name: "limit", form: .number),
  ]

  private static let spring: [APIRoute] = {
    let receiver = Field(name: "to", form: .user, key: "receiverId")
    return [
      APIRoute(.post, "chat/rooms", "room.create", status: .created, form: .spring),
      APIRoute(.post, "chat/rooms/{room}/join", "room.join", form: .spring),
      APIRoute(.post, "chat/rooms/{room}/leave", "room.leave", form: .spring),
      APIRoute(.get, "chat/rooms/{room}/members", "room.members", form: .spring),
      APIRoute(.get, "chat/users/{caller}/rooms", "conversations", form: .spring),
      APIRoute(.get, "chat/users/{watched}/status", "presence.watch", form: .spring),
      APIRoute(.get, "chat/messages/direct", "history", query: [receiver] + page, form: .spring),
      APIRoute(.get, "chat/messages/direct/{to user}", "history", query: page, form: .spring),
      APIRoute(.get, "chat/messages/room/{to room}", "history", query: page, form: .spring),
    ]
  }()

  /// The fields that a path has for this route; nil when it is another's.
  func fields(in path: [Substring]) -> [(field: Field, text: Substring)]? {
    guard path.count == segments.count else { return nil }
    var fields: [(Field, Substring)] = []
    for (segment, text) in zip(segments, path) {
      switch segment {
      case .literal(let literal): if literal != text { return nil }
      case .field(let field): fields.append((field, text))
      }
    }
    return fields
  }
}
