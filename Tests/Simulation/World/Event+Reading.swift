import ChatProtocol
import ReferenceJSON

// What a device makes of a frame from its server.
extension Event {
  /// Reads a frame as a client of `reader` does.
  init(frame: [UInt8], for reader: UserID) throws(JSONText.Failure) {
    let frame = try JSONText(frame)
    if frame.repeatsKeys { throw frame.wrong("a frame with each key once") }
    let id = frame["id"].map { RequestID(json: String(decoding: $0.raw, as: UTF8.self)) }
    switch try frame.member("type").string() {
    case "ready": self = .ready(try frame.ready(id))
    case "ack": self = .ack(try frame.ack(id))
    case "msg":
      let address = try frame.address("conv")
      self = .message(try frame.message(in: address, for: reader), conversation: address)
    case "page":
      let address = try frame.address("conv")
      let items = try frame.member("items").array { (item) throws(JSONText.Failure) in
        try item.message(in: address, for: reader)
      }
      self = .page(
        id, conversation: address, items: items, more: try frame.member("more").bool())
    case "conversations": self = .conversations(id, try frame.summaries("items"))
    case "pong": self = .pong(id)
    case "ok":
      guard let users = frame["users"] else {
        self = .done(id)
        return
      }
      self = .watching(
        id, try users.array { (user) throws(JSONText.Failure) in try user.watchedUser() })
    case "receipt":
      self = .receipt(
        conversation: try frame.address("conv"), user: try frame.user("user"),
        try frame.marks())
    case "typing":
      self = .typing(conversation: try frame.address("conv"), user: try frame.user("user"))
    case "presence":
      let watched = try frame.watchedUser()
      self = .presence(watched.user, watched.presence)
    case "members":
      guard case .room(let room) = try frame.address("room") else { throw frame.wrong("a room's") }
      let items = try frame.member("items").array { (item) throws(JSONText.Failure) in
        try item.listedMember()
      }
      self = .members(id, room: room, items: items, more: try frame.member("more").bool())
    case "gap":
      // Why it came, when nothing was removed, it does not say.
      let isRemoved = try frame["removed"]?.bool() == true
      self = .gap(
        conversation: try frame.address("conv"), after: try frame.member("after").number(),
        before: try frame.member("before").number(), isRemoved ? .removal : .overflow)
    case "error": self = try frame.error(id)
    case "reconnect":
      self = .reconnect(afterMilliseconds: try frame.member("after_ms").number())
    default: throw frame.wrong("a frame")
    }
  }

  /// Without what its frame does not say.
  var asWritten: Event {
    switch self {
    case .ready(var ready):
      ready.conversations = ready.conversations.map(\.asWritten)
      return .ready(ready)
    case .conversations(let id, let summaries):
      return .conversations(id, summaries.map(\.asWritten))
    case .gap(conversation: let address, let after, let before, .absence):
      return .gap(conversation: address, after: after, before: before, .overflow)
    case .gap, .ack, .message, .page, .pong, .done, .receipt, .typing, .presence, .watching,
      .members, .error, .reconnect:
      return self
    }
  }
}

extension ConversationSummary {
  fileprivate var asWritten: ConversationSummary {
    var summary = self
    summary.room?.joined = 0
    return summary
  }
}

extension JSONText {
  fileprivate func address(_ key: String) throws(Failure) -> Address {
    let text = try member(key)
    if let user = try text.user() { return .user(user) }
    guard let address = Address(try text.string()) else { throw text.wrong("a conversation") }
    return address
  }

  fileprivate func user(_ key: String) throws(Failure) -> UserID {
    let text = try member(key)
    guard let user = try text.user() else { throw text.wrong("a user") }
    return user
  }

  /// With `Address` alone, which is for any string, names took a third of a frame's time.
  private func user() throws(Failure) -> UserID? {
    var name = try string()
    guard name.utf8.first == UInt8(ascii: "@") else { return nil }
    name.removeFirst()
    return name.withUTF8 { UserID(bytes: UnsafeRawBufferPointer($0)) }
  }

  fileprivate func ready(_ id: RequestID?) throws(Failure) -> Event.Ready {
    let limits = try member("limits")
    return Event.Ready(
      id: id, user: try user("user"), device: try member("device").string(),
      session: try member("session").string(), node: try member("node").string(),
      pingMilliseconds: try member("ping_ms").number(),
      conversations: try summaries("conversations"),
      limits: Event.Limits(
        frameBytes: try limits.member("frame").number(),
        textBytes: try limits.member("text").number(),
        sendsPerMinute: try limits.member("send_per_min").number()))
  }

  fileprivate func summaries(_ key: String) throws(Failure) -> [ConversationSummary] {
    try member(key).array { (item) throws(Failure) in
      ConversationSummary(
        address: try item.address("conv"), head: try item.member("head").number(),
        received: try item.member("recv").number(), read: try item.member("read").number(),
        unread: try item.member("unread").number(), peer: try item["peer"]?.marks(),
        room: try item["role"]?.role().summary(of: item))
    }
  }

  fileprivate func role() throws(Failure) -> RoomRole {
    guard let role = RoomRole(name: try string()) else { throw wrong("a role") }
    return role
  }

  fileprivate func marks() throws(Failure) -> PeerMarks {
    PeerMarks(received: try member("recv").number(), read: try member("read").number())
  }

  fileprivate func ack(_ id: RequestID?) throws(Failure) -> Event.Ack {
    Event.Ack(
      id: id, clientID: try member("cid").string(), conversation: try address("conv"),
      sequence: try member("seq").number(), timestamp: try member("ts").number(),
      isDuplicate: try member("dup").bool())
  }

  fileprivate func message(
    in address: Address, for reader: UserID
  ) throws(Failure) -> Message {
    let kind = try self["kind"]?.kind() ?? .message
    let body = try member("body")
    guard case .object = body.value else { throw body.wrong("an object") }
    var revision: Revision?
    if let edit = self["edited"] { revision = .edited(by: try edit.number()) }
    if let deletion = self["deleted"] { revision = .deleted(by: try deletion.number()) }
    return Message(
      conversation: ConversationID(address, seenBy: reader),
      sequence: try member("seq").number(), sender: try user("from"),
      content: MessageContent(clientID: try member("cid").string(), body: Array(body.raw)),
      timestamp: try member("ts").number(), kind: kind,
      reference: try self[kind == .message ? "reply_to" : "target"]?.number(),
      revision: revision)
  }

  private func kind() throws(Failure) -> EntryKind {
    let name = try string()
    guard let kind = EntryKind.allCases.first(where: { $0 != .message && $0.name == name }) else {
      throw wrong("a kind of entry")
    }
    return kind
  }

  fileprivate func watchedUser() throws(Failure) -> WatchedUser {
    let name = try member("state").string()
    guard let state = PresenceState.allCases.first(where: { $0.name == name }) else {
      throw wrong("a presence")
    }
    return WatchedUser(
      try user("user"), Presence(state: state, lastSeen: try self["last_seen"]?.number()))
  }

  fileprivate func listedMember() throws(Failure) -> ListedMember {
    ListedMember(
      RoomMember(user: try user("user"), role: try member("role").role()), try marks())
  }

  fileprivate func error(_ id: RequestID?) throws(Failure) -> Event {
    guard let code = ErrorCode(rawValue: try member("code").string()),
      try member("retryable").bool() == code.isRetryable
    else { throw wrong("an error of ours") }
    return .error(
      id, code, message: try member("message").string(),
      retryAfterMilliseconds: try self["retry_after_ms"]?.number())
  }
}

extension RoomRole {
  /// What the item of a list says of a room in which its reader has this role.
  fileprivate func summary(of item: JSONText) throws(JSONText.Failure) -> RoomSummary {
    RoomSummary(
      role: self, since: try item.member("since").number(), joined: 0,
      memberCount: try item.member("members").number(),
      settings: RoomSettings(
        name: try item.member("name").string(), topic: try item.member("topic").string(),
        isPublic: try item.member("public").bool(),
        retainDays: try item["retain"]?.number() ?? 0))
  }
}
