import JSON

extension Command {
  /// Reads one frame of chat.v1 in place.
  ///
  /// `bytes` is the whole text of a message, already known to be UTF-8. The whole of it is
  /// checked, also the fields that the command does not have, since `body` is passed on as it is.
  package static func decode(
    _ bytes: UnsafeRawBufferPointer, names: inout NameCache
  ) throws(CommandError) -> Command {
    var fields = CommandFields(bytes)
    do {
      try fields.scan()
    } catch {
      throw CommandError(.badRequest, error.message, id: fields.id, isMalformed: true)
    }
    return try fields.command(&names)
  }
}

extension CommandFields {
  /// An unknown `type` is cut to this length.
  private static let typeBytesMax = 64

  /// Makes a command of a frame that was found well-formed.
  func command(_ names: inout NameCache) throws(CommandError) -> Command {
    guard hasID || self[.id].kind == .absent else {
      throw bad("id must be a string or a number of at most \(RequestID.bytesMax) bytes")
    }
    let type = self[.type]
    guard type.isString else { throw bad("type must be a string") }
    let word = scanner.shortText(of: type)
    // A send keeps its id with the rest of what was written.
    switch word {
    case "send": return .send(try send(&names))
    case "edit": return .send(try edit(&names))
    case "delete": return .send(try delete(&names))
    case "react": return .send(try react(&names))
    default: break
    }
    let id = id
    switch word {
    case "ping": return .ping(id)
    case "history": return .history(try history(id, &names))
    case "hello": return .hello(try hello(id))
    case "recv": return .mark(try mark(id, isRead: false, &names))
    case "read": return .mark(try mark(id, isRead: true, &names))
    case "typing": return .typing(try address(&names))
    case "presence": return .setPresence(id, try presenceState())
    default: break
    }
    let name = scanner.withContent(of: type) {
      String(decoding: $0.prefix(Self.typeBytesMax), as: UTF8.self)
    }
    switch name {
    case "conversations": return .conversations(id)
    case "presence.watch": return .watchPresence(id, try users(.users, max: Command.watchedMax))
    case "room.members": return .members(try members(id))
    default: break
    }
    if let change = try roomChange(name) {
      return .changeRoom(
        Command.ChangeRoom(
          id: id, clientID: try shortText(.cid, bytesMax: Command.Send.clientIDBytesMax),
          room: try room(), change: change))
    }
    return .unknown(id, type: name)
  }

  private func history(
    _ id: RequestID?, _ names: inout NameCache
  ) throws(CommandError) -> Command.History {
    let to = try address(&names)
    let span: Command.History.Span
    switch (try sequence(.before), try sequence(.after)) {
    case (nil, nil): span = .latest
    case (let before?, nil): span = .before(before)
    case (nil, let after?): span = .after(after)
    case (let before?, let after?): span = .between(after, before)
    }
    let limitMax = Command.History.limitMax
    let limit = try sequence(.limit) ?? UInt64(limitMax)
    guard limit > 0 else { throw bad("limit must be at least 1") }
    return Command.History(
      id: id, to: to, span: span, limit: Int(min(limit, UInt64(limitMax))))
  }

  private func hello(_ id: RequestID?) throws(CommandError) -> Command.Hello {
    Command.Hello(
      id: id, user: try user(), token: try text(.token),
      device: try shortText(.device, bytesMax: Command.Hello.deviceBytesMax),
      resume: try resume())
  }

  private func mark(
    _ id: RequestID?, isRead: Bool, _ names: inout NameCache
  ) throws(CommandError) -> Command.Mark {
    let to = try address(&names)
    guard let sequence = try sequence(.seq) else { throw bad("seq is missing") }
    return Command.Mark(id: id, to: to, received: sequence, read: isRead ? sequence : 0)
  }

  private func presenceState() throws(CommandError) -> PresenceState {
    switch try text(.state) {
    case "online": .online
    case "away": .away
    default: throw bad("state must be online or away")
    }
  }

  private func resume() throws(CommandError) -> [Address: UInt64] {
    let value = self[.resume]
    guard value.kind != .absent else { return [:] }
    guard value.kind == .object else { throw bad("resume must be an object") }
    var walker = JSONScanner(scanner.raw(value))
    do throws(CommandError) {
      return try Command.Hello.heads(&walker, depth: 1) { Address(utf8: $0) }
    } catch {
      throw CommandError(error.code, error.message, id: id)
    }
  }
}
