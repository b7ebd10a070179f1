import JSON

/// A key at the top level of a frame that some command reads.
enum Field: Int, CaseIterable {
  case type, id, user, token, device, resume, cid, to, body, replyTo, before, after, limit
  case target, seq, emoji, remove, room, name, topic, `public`, members, users, role, state, retain

  /// As clients write it; for messages.
  var name: String { self == .replyTo ? "reply_to" : String(describing: self) }

  init?(name: ShortText) {
    switch name {
    case "type": self = .type
    case "id": self = .id
    case "user": self = .user
    case "token": self = .token
    case "device": self = .device
    case "resume": self = .resume
    case "cid": self = .cid
    case "to": self = .to
    case "body": self = .body
    case "reply_to": self = .replyTo
    case "before": self = .before
    case "after": self = .after
    case "limit": self = .limit
    case "target": self = .target
    case "seq": self = .seq
    case "emoji": self = .emoji
    case "remove": self = .remove
    case "room": self = .room
    case "name": self = .name
    case "topic": self = .topic
    case "public": self = .public
    case "members": self = .members
    case "users": self = .users
    case "role": self = .role
    case "state": self = .state
    case "retain": self = .retain
    default: return nil
    }
  }
}

/// Where the fields of one frame lie in its text.
///
/// `type` may come last, so the places of all fields are noted first, and those of the command's
/// own are read when the whole text is known to be JSON. Null is the same as absent.
struct CommandFields {
  let scanner: JSONScanner
  private var values = InlineArray<26, JSONValue>(repeating: JSONValue())
  /// `body` has a member `text` that is no string.
  private(set) var hasWrongText = false

  init(_ bytes: UnsafeRawBufferPointer) { scanner = JSONScanner(bytes) }

  subscript(field: Field) -> JSONValue { values[field.rawValue] }

  /// Checks the whole text. After an error the fields before it are there to be read.
  mutating func scan() throws(JSONError) {
    var scanner = scanner
    scanner.skipWhitespace()
    try scanner.object(depth: 0) { (scanner, key) throws(JSONError) in
      let field = scanner.shortText(of: key).flatMap { Field(name: $0) }
      if field == .body, scanner.current == UInt8(ascii: "{") {
        values[Field.body.rawValue] = try body(&scanner)
      } else {
        let value = try scanner.value(depth: 1)
        if let field, value.kind != .null { values[field.rawValue] = value }
      }
    }
    try scanner.finish()
  }

  private mutating func body(_ scanner: inout JSONScanner) throws(JSONError) -> JSONValue {
    let start = scanner.at
    try scanner.object(depth: 1) { (scanner, key) throws(JSONError) in
      let isText = scanner.shortText(of: key) == "text"
      let value = try scanner.value(depth: 2)
      if isText, !value.isString { hasWrongText = true }
    }
    return JSONValue(kind: .object, start: start, end: scanner.at)
  }

  /// The `id` if it is valid, else nil.
  var id: RequestID? {
    guard hasID else { return nil }
    return RequestID(json: String(decoding: scanner.raw(self[.id]), as: UTF8.self))
  }

  /// Whether there is an `id` and it is valid.
  var hasID: Bool {
    let value = self[.id]
    switch value.kind {
    case .string, .escapedString, .number: return value.count <= RequestID.bytesMax
    case .absent, .object, .array, .bool, .null: return false
    }
  }
}
