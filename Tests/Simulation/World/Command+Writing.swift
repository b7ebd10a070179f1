import ChatProtocol

// What a device says, as the text that a client of chat.v1 would send.
extension Command {
  var json: String {
    switch self {
    case .hello(let hello):
      frame("hello", hello.id) {
        [
          hello.user.map { member("user", $0.name) }, hello.token.map { member("token", $0) },
          hello.device.map { member("device", $0) }, hello.written,
        ]
      }
    case .send(let send):
      frame(send.type, send.id) {
        [member("cid", send.content.clientID), member("to", "\(send.to)")] + send.written
      }
    case .history(let history):
      frame("history", history.id) {
        [member("to", "\(history.to)"), history.span.written, "\"limit\":\(history.limit)"]
      }
    case .conversations(let id): frame("conversations", id) { [] }
    case .ping(let id): frame("ping", id) { [] }
    case .mark(let mark):
      frame(mark.type, mark.id) { [member("to", "\(mark.to)"), "\"seq\":\(mark.received)"] }
    case .typing(let to): frame("typing", nil) { [member("to", "\(to)")] }
    case .setPresence(let id, let state): frame("presence", id) { [member("state", state.name)] }
    case .watchPresence(let id, let users): frame("presence.watch", id) { [list("users", users)] }
    case .changeRoom(let change):
      frame(change.change.type, change.id) {
        [change.clientID.map { member("cid", $0) }, member("room", "#" + change.room)]
          + change.change.written
      }
    case .members(let members):
      frame("room.members", members.id) {
        [
          member("room", "#" + members.room), members.after.map { member("after", "\($0)") },
          "\"limit\":\(members.limit)",
        ]
      }
    case .resume, .unknown: preconditionFailure("no client of chat.v1 says this")
    }
  }
}

private func frame(_ type: String, _ id: RequestID?, _ members: () -> [String?]) -> String {
  let all = [member("type", type), id.map { "\"id\":\($0.json)" }] + members()
  return "{" + all.compactMap(\.self).joined(separator: ",") + "}"
}

/// Devices say nothing that has to be escaped.
private func member(_ name: String, _ text: String) -> String {
  precondition(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C })
  return "\"\(name)\":\"\(text)\""
}

private func list(_ name: String, _ users: [UserID]) -> String {
  "\"\(name)\":[" + users.map { "\"\($0)\"" }.joined(separator: ",") + "]"
}

extension Command.Hello {
  fileprivate var written: String? {
    guard !resume.isEmpty else { return nil }
    let heads = resume.map { "\"\($0)\":\($1)" }.sorted()
    return "\"resume\":{" + heads.joined(separator: ",") + "}"
  }
}

extension Command.Send {
  fileprivate var type: String {
    switch kind {
    case .message: "send"
    case .edit, .delete, .react: kind.name
    case .room: preconditionFailure("no client sends this")
    }
  }

  fileprivate var written: [String?] {
    let body = String(decoding: content.body, as: UTF8.self)
    switch kind {
    case .message: return ["\"body\":\(body)", reference.map { "\"reply_to\":\($0)" }]
    case .edit: return ["\"body\":\(body)", target]
    case .delete: return [target]
    // What the body of the entry says are members of the frame.
    case .react: return [target, String(body.dropFirst().dropLast())]
    case .room: return []
    }
  }

  private var target: String? { reference.map { "\"target\":\($0)" } }
}

extension Command.Mark {
  fileprivate var type: String {
    precondition(read == 0 || read == received, "what is read is received")
    return read == 0 && received > 0 ? "recv" : "read"
  }
}

extension Command.History.Span {
  fileprivate var written: String? {
    switch self {
    case .latest: nil
    case .before(let before): "\"before\":\(before)"
    case .after(let after): "\"after\":\(after)"
    case .between(let after, let before): "\"after\":\(after),\"before\":\(before)"
    }
  }
}

extension RoomChange {
  fileprivate var type: String {
    switch self {
    case .create: "room.create"
    case .join: "room.join"
    case .leave: "room.leave"
    case .invite: "room.invite"
    case .kick: "room.kick"
    case .setRole: "room.role"
    case .update: "room.update"
    }
  }

  fileprivate var written: [String?] {
    switch self {
    case .create(let settings, let members):
      let change = RoomSettingsChange(
        name: settings.name, topic: settings.topic, isPublic: settings.isPublic,
        retainDays: settings.retainDays)
      return change.written + [members.isEmpty ? nil : list("members", members)]
    case .join, .leave: return []
    case .invite(let users): return [list("users", users)]
    case .kick(let user): return [member("user", "\(user)")]
    case .setRole(let user, let role):
      return [member("user", "\(user)"), member("role", role.name)]
    case .update(let change): return change.written
    }
  }
}

extension RoomSettingsChange {
  fileprivate var written: [String?] {
    [
      name.map { member("name", $0) }, topic.map { member("topic", $0) },
      isPublic.map { "\"public\":\($0)" }, retainDays.map { "\"retain\":\($0)" },
    ]
  }
}
