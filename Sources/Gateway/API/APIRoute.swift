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
    }

    let name: StaticString
    let form: Form
  }

  let method: Method
  let segments: [Segment]
  /// Of the frame.
  let type: StaticString
  let query: [Field]
  /// Of the answer to a request that succeeds.
  let status: Status

  /// - Parameter path: its segments behind `/api`, of which `{to}` is a field.
  init(
    _ method: Method, _ path: String, _ type: StaticString, query: [Field] = [],
    status: Status = .ok
  ) {
    self.method = method
    self.type = type
    self.query = query
    self.status = status
    segments = path.split(separator: "/").map { segment in
      switch segment {
      case "{to}": .field(Field(name: "to", form: .string))
      case "{room}": .field(Field(name: "room", form: .string))
      case "{user}": .field(Field(name: "user", form: .string))
      case "{watched}": .field(Field(name: "users", form: .list))
      default: .literal(String(segment))
      }
    }
  }

  static let prefix = "/api/"

  static let all: [APIRoute] = {
    let page: [Field] = [
      Field(name: "before", form: .number), Field(name: "after", form: .number),
      Field(name: "limit", form: .number),
    ]
    let members: [Field] = [
      Field(name: "after", form: .string), Field(name: "limit", form: .number),
    ]
    return [
      APIRoute(.get, "conversations", "conversations"),
      APIRoute(.get, "conversations/{to}/messages", "history", query: page),
      APIRoute(.post, "conversations/{to}/messages", "send", status: .created),
      APIRoute(.put, "conversations/{to}/read", "read"),
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
