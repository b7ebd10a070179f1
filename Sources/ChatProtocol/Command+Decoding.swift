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
    if word == "send" { return .send(try send(&names)) }
    let id = id
    switch word {
    case "ping": return .ping(id)
    case "history": return .history(try history(id, &names))
    case "hello": return .hello(try hello(id))
    default: break
    }
    let name = scanner.withContent(of: type) {
      String(decoding: $0.prefix(Self.typeBytesMax), as: UTF8.self)
    }
    return name == "conversations" ? .conversations(id) : .unknown(id, type: name)
  }

  private func send(_ names: inout NameCache) throws(CommandError) -> Command.Send {
    let body = self[.body]
    guard body.kind == .object else { throw bad("body must be an object") }
    guard !hasWrongText else { throw bad("text must be a string") }
    let clientID = self[.cid]
    guard try hasShortText(.cid, bytesMax: Command.Send.clientIDBytesMax) else {
      throw bad("cid is missing")
    }
    let to = try address(&names)
    guard body.count <= Command.Send.bodyBytesMax else {
      let message = "body is longer than \(Command.Send.bodyBytesMax) bytes"
      throw CommandError(.tooLarge, message, id: id)
    }
    let replyTo = try sequence(.replyTo)
    guard replyTo != 0 else { throw bad("reply_to must be at least 1") }
    let requestID = hasID ? scanner.raw(self[.id]) : UnsafeRawBufferPointer(start: nil, count: 0)
    let content = scanner.withContent(of: clientID) {
      MessageContent(requestID: requestID, clientID: $0, body: scanner.raw(body))
    }
    return Command.Send(content: content, to: to, replyTo: replyTo)
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
    case (_?, _?): throw bad("before and after exclude each other")
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

  private func user() throws(CommandError) -> UserID? {
    let value = self[.user]
    guard value.kind != .absent else { return nil }
    guard value.isString else { throw bad("user must be a string") }
    let user = scanner.withContent(of: value) { name in
      UserID(utf8: name.first == UInt8(ascii: "@") ? name.dropFirst() : name[...])
    }
    guard let user else { throw bad("user is not a valid name") }
    return user
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

// MARK: - Fields by kind

extension CommandFields {
  private func bad(_ message: String) -> CommandError {
    CommandError(.badRequest, message, id: id)
  }

  private func text(_ field: Field) throws(CommandError) -> String? {
    let value = self[field]
    guard value.kind != .absent else { return nil }
    guard value.isString else { throw bad("\(field.name) must be a string") }
    return scanner.content(of: value)
  }

  /// An identifier of the client's making: printable, since it ends up in logs and databases.
  private func shortText(_ field: Field, bytesMax: Int) throws(CommandError) -> String? {
    try hasShortText(field, bytesMax: bytesMax) ? scanner.content(of: self[field]) : nil
  }

  /// False when there is none.
  private func hasShortText(_ field: Field, bytesMax: Int) throws(CommandError) -> Bool {
    let value = self[field]
    guard value.kind != .absent else { return false }
    guard value.isString else { throw bad("\(field.name) must be a string") }
    let isValid = scanner.withContent(of: value) { bytes in
      1...bytesMax ~= bytes.count && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
    guard isValid else {
      throw bad("\(field.name) must have 1 to \(bytesMax) bytes and no control characters")
    }
    return true
  }

  private func address(_ names: inout NameCache) throws(CommandError) -> Address {
    let value = self[.to]
    guard value.isString,
      let address = scanner.withContent(of: value, { Address(utf8: $0, names: &names) })
    else { throw bad("to must be a conversation: a user as @name or a room as #name") }
    return address
  }

  private func sequence(_ field: Field) throws(CommandError) -> UInt64? {
    let value = self[field]
    guard value.kind != .absent else { return nil }
    guard let number = scanner.wholeNumber(value) else {
      throw bad("\(field.name) must be a whole number from 0 to below 2^53")
    }
    return number
  }
}
