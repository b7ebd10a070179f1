import JSON

/// What a request to `/api/chat/...` asks, in Spring's convention: a command of chat.v1, and the form
/// of its answer.
package struct SpringRequest {
  package let command: Command
  package let answer: SpringAnswer

  /// Whether something new is made.
  package var isMaking: Bool {
    guard case .changeRoom(let command) = command else { return false }
    if case .create = command.change { return true }
    return false
  }

  /// - Parameters:
  ///   - path: the segments behind `/api/chat/`, decoded.
  ///   - isPost: false for a `GET`; the convention has no other method.
  ///   - parameter: what the query says of a name.
  /// - Returns: nil where the convention has nothing.
  package init?(
    _ path: [Substring], isPost: Bool, by caller: UserID, body: UnsafeRawBufferPointer,
    parameter: (StaticString) -> String?
  ) throws(CommandError) {
    let first = path.first ?? ""
    let last = path.count > 1 ? path.last ?? "" : ""
    switch (isPost, first, path.count) {
    case (true, "rooms", 1):
      self = try Self.createRoom(body)
    case (true, "rooms", 3) where last == "join" || last == "leave":
      let room = try Self.room(path[1])
      self.init(
        .changeRoom(
          .init(id: Self.id, clientID: nil, room: room, change: last == "join" ? .join : .leave)),
        .done(room: room, name: nil))
    case (false, "rooms", 3) where last == "members":
      self.init(
        .members(
          .init(
            id: Self.id, room: try Self.room(path[1]), after: nil,
            limit: Command.Members.limitMax)),
        .members)
    case (false, "users", 3) where last == "rooms":
      guard UserID(written: path[1]) == caller else {
        throw CommandError(.forbidden, "these are another's rooms")
      }
      self.init(.conversations(Self.id), .rooms)
    case (false, "users", 3) where last == "status":
      self.init(.watchPresence(Self.id, [try Self.user(path[1])]), .status)
    case (false, "messages", 2...3) where path[1] == "direct":
      let other = path.count == 3 ? String(path[2]) : parameter("receiverId") ?? parameter("userId")
      guard let other else { throw CommandError(.badRequest, "receiverId is missing") }
      self.init(try Self.history(.user(try Self.user(other[...])), parameter), .messages)
    case (false, "messages", 3) where path[1] == "room":
      self.init(try Self.history(.room(try Self.room(path[2])), parameter), .messages)
    default:
      return nil
    }
  }

  private init(_ command: Command, _ answer: SpringAnswer) {
    self.command = command
    self.answer = answer
  }

  /// Every command asks for an answer, whose id nobody reads.
  private static let id = RequestID(json: "0")

  private static func room(_ text: Substring) throws(CommandError) -> String {
    let address = Address(text.hasPrefix("#") ? String(text) : "#" + text)
    guard case .room(let name) = address else {
      throw CommandError(.badRequest, "roomId is not a valid name")
    }
    return name
  }

  private static func user(_ text: Substring) throws(CommandError) -> UserID {
    guard let user = UserID(written: text) else {
      throw CommandError(.badRequest, "the user is not a valid name")
    }
    return user
  }

  /// JSON `{roomId | name, description, isPrivate}`. Without a `roomId` the name has to be one.
  private static func createRoom(
    _ body: UnsafeRawBufferPointer
  ) throws(CommandError) -> SpringRequest {
    let fields = try SpringFields(wellFormed: body)
    let name = try fields.name(.name)
    guard let id = try fields.name(.roomId, or: .id) ?? name?.lowercased() else {
      throw CommandError(.badRequest, "roomId or name is missing")
    }
    let settings = RoomSettings(
      name: name ?? "", topic: try fields.name(.description) ?? "",
      isPublic: try fields.flag(.isPrivate) != true)
    guard settings.name.utf8.count <= RoomSettings.nameBytesMax,
      settings.topic.utf8.count <= RoomSettings.topicBytesMax
    else { throw CommandError(.badRequest, "name or description is too long") }
    let room = try room(id[...])
    return SpringRequest(
      .changeRoom(
        .init(
          id: Self.id, clientID: nil, room: room, change: .create(settings, members: []))),
      .done(room: room, name: settings.name))
  }

  private static func history(
    _ address: Address, _ parameter: (StaticString) -> String?
  ) throws(CommandError) -> Command {
    var span = Command.History.Span.latest
    if let before = parameter("before") {
      guard let sequence = UInt64(before) else {
        throw CommandError(.badRequest, "before must be a whole number")
      }
      span = .before(sequence)
    }
    let limit = (parameter("limit") ?? parameter("size")).map { Int($0) ?? 0 }
    guard limit ?? 1 > 0 else { throw CommandError(.badRequest, "limit must be at least 1") }
    return .history(
      Command.History(
        id: Self.id, to: address, span: span, limit: limit ?? Command.History.limitMax))
  }
}
