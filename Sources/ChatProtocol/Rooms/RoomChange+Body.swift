import Bytes
import JSON

// The body of a `room` entry: `{"action":"invite","users":["@bob"]}`.
extension RoomChange {
  package var body: [UInt8] {
    var buffer = ByteBuffer(minimumCapacity: 128)
    switch self {
    case .create(let settings, let members):
      buffer.begin("create")
      buffer.append(
        RoomSettingsChange(
          name: settings.name, topic: settings.topic, isPublic: settings.isPublic,
          retainDays: settings.retainDays == 0 ? nil : settings.retainDays))
      if !members.isEmpty { buffer.append(users: members) }
    case .join:
      buffer.begin("join")
    case .leave:
      buffer.begin("leave")
    case .invite(let users):
      buffer.begin("invite")
      buffer.append(users: users)
    case .kick(let user):
      buffer.begin("kick")
      buffer.append(users: [user])
    case .setRole(let user, let role):
      buffer.begin("role")
      buffer.append(users: [user])
      buffer.append(member: "role", role.name)
    case .update(let change):
      buffer.begin("update")
      buffer.append(change)
    }
    buffer.append("}")
    return [UInt8](buffer.bytes)
  }

  /// Reads what `body` wrote; nil for anything else.
  package init?(body: UnsafeRawBufferPointer) {
    var fields = BodyFields()
    do throws(JSONError) {
      try fields.read(body)
    } catch {
      return nil
    }
    let user = fields.users.count == 1 ? fields.users.first : nil
    switch fields.action {
    case "create":
      self = .create(fields.change.applied(to: RoomSettings()), members: fields.users)
    case "join": self = .join
    case "leave": self = .leave
    case "invite": self = .invite(fields.users)
    case "kick":
      guard let user else { return nil }
      self = .kick(user)
    case "role":
      guard let user, let role = RoomRole(name: fields.role) else { return nil }
      self = .setRole(user, role)
    case "update": self = .update(fields.change)
    default: return nil
    }
  }
}

/// The members of a body, as far as they are there.
private struct BodyFields {
  var action = ""
  var users: [UserID] = []
  var role = ""
  var change = RoomSettingsChange()

  mutating func read(_ body: UnsafeRawBufferPointer) throws(JSONError) {
    var scanner = JSONScanner(body)
    scanner.skipWhitespace()
    try scanner.object(depth: 0) { (scanner, key) throws(JSONError) in
      let name = scanner.content(of: key)
      guard name != "users" else { return try readUsers(&scanner) }
      let value = try scanner.value(depth: 1)
      let text = value.isString ? scanner.content(of: value) : nil
      switch name {
      case "action": action = text ?? ""
      case "role": role = text ?? ""
      case "name": change.name = text
      case "topic": change.topic = text
      case "public": change.isPublic = value.kind == .bool ? scanner.isTrue(value) : nil
      case "retain": change.retainDays = scanner.wholeNumber(value).flatMap { Int(exactly: $0) }
      default: break
      }
    }
    try scanner.finish()
  }

  private mutating func readUsers(_ scanner: inout JSONScanner) throws(JSONError) {
    try scanner.array(depth: 1) { (scanner) throws(JSONError) in
      let value = try scanner.value(depth: 2)
      guard value.isString, let user = UserID(written: scanner.content(of: value)) else {
        throw .malformed
      }
      users.append(user)
    }
  }
}

extension ByteBuffer {
  fileprivate mutating func begin(_ action: StaticString) {
    append(#"{"action":""#)
    append(action)
    append("\"")
  }

  fileprivate mutating func append(member name: StaticString, _ text: String) {
    append(",\"")
    append(name)
    append("\":")
    append(jsonString: text)
  }

  fileprivate mutating func append(_ change: RoomSettingsChange) {
    if let name = change.name { append(member: "name", name) }
    if let topic = change.topic { append(member: "topic", topic) }
    if let isPublic = change.isPublic {
      append(isPublic ? #","public":true"# : #","public":false"#)
    }
    if let days = change.retainDays {
      append(#","retain":"#)
      append(decimal: Int64(days))
    }
  }

  fileprivate mutating func append(users: [UserID]) {
    append(#","users":["#)
    for (index, user) in users.enumerated() {
      append(index == 0 ? "\"@" : ",\"@")
      append(utf8: user.name)
      append("\"")
    }
    append("]")
  }
}
