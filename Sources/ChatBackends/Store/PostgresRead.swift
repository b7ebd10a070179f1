import ChatCore
import ChatProtocol
import PostgresClient

/// A request that only reads.
struct PostgresRead {
  enum Subject {
    case conversations(of: UserID, limit: Int, countsUnread: Bool)
    case messages(in: ConversationID, reader: UserID?, Window)
    case members(of: ConversationID, reader: UserID, after: UserID?, limit: Int)
  }

  struct Window {
    var after: UInt64
    var before: UInt64
    var limit: Int
    var fromStart: Bool
  }

  let subject: Subject
  let origin: PostgresRequestOrigin
  /// How often the server has ended it for its time, alone.
  var cancellations = 0
  /// Whether a group had it that could not answer it.
  var goesAlone = false

  func query() -> PostgresQuery {
    switch subject {
    case .conversations(let user, let limit, let countsUnread):
      return Self.lists(of: [user], limit: limit, countsUnread: countsUnread)
    case .messages(let conversation, let reader, let window):
      let reader = conversation.isRoom ? reader : nil
      let order = window.fromStart ? "first" : "last"
      return PostgresQuery(
        .prepared(name: reader == nil ? "chat_messages_\(order)" : "chat_seen_\(order)"),
        [
          .text(conversation.key), .int8(Int64(clamping: window.after)),
          .int8(Int64(clamping: window.before)), .int8(Int64(max(0, window.limit))),
        ] + (reader.map { [.text($0.name)] } ?? []))
    case .members(let room, let reader, let after, let limit):
      return PostgresQuery(
        .prepared(name: "chat_members"),
        [
          .text(room.key), .text(reader.name), .text(after?.name ?? ""),
          .int8(Int64(max(0, limit))),
        ])
    }
  }

  /// One statement for the lists of several users; the first column of its rows says whose it is,
  /// counted from 1.
  static func lists(of users: [UserID], limit: Int, countsUnread: Bool) -> PostgresQuery {
    var names = PostgresArray.text()
    for user in users { names.append(user.name) }
    return PostgresQuery(
      .prepared(name: "chat_conversations"),
      [names.finish(), .int8(Int64(max(0, limit))), .int8(countsUnread ? 1 : 0)])
  }

  /// The list in these rows; nil when they are not what the statement gives.
  static func list(_ rows: PostgresRows, _ places: Range<Int>) -> StoreReply.Result? {
    let states = places.compactMap { ConversationState(rows, $0) }
    return states.count == places.count ? .conversations(states) : nil
  }

  /// Nil when the rows are not what the statement gives.
  func result(_ rows: PostgresRows) -> StoreReply.Result? {
    switch subject {
    case .conversations: return Self.list(rows, 0..<rows.count)
    case .messages(let conversation, let reader, let window):
      guard rows.count > 0, let lowWaterMark = rows.int64(0, 9) else {
        let isRefused = conversation.isRoom && reader != nil
        return isRefused ? .refused(.notFound) : .messages([])
      }
      let places = rows.isNull(0, 0) ? 0..<0 : 0..<rows.count
      let messages = places.compactMap { Message(rows, $0, in: conversation) }
      guard messages.count == places.count else { return nil }
      return .messages(
        window.fromStart ? messages : messages.reversed(),
        lowWaterMark: UInt64(clamping: lowWaterMark))
    case .members:
      if rows.count == 0 { return .refused(.notFound) }
      if rows.isNull(0, 0) { return .members([]) }
      let members = (0..<rows.count).compactMap { ListedMember(rows, $0) }
      return members.count == rows.count ? .members(members) : nil
    }
  }
}

extension ConversationState {
  fileprivate init?(_ rows: PostgresRows, _ row: Int) {
    guard let key = rows.string(row, 1), let head = rows.int64(row, 2),
      let received = rows.int64(row, 3), let read = rows.int64(row, 4),
      let lowWaterMark = rows.int64(row, 15), let unread = rows.int64(row, 16)
    else { return nil }
    var peer: PeerMarks?
    if let received = rows.int64(row, 5), let read = rows.int64(row, 6) {
      peer = PeerMarks(received: UInt64(clamping: received), read: UInt64(clamping: read))
    }
    var room: RoomSummary?
    if !rows.isNull(row, 9) {
      guard let summary = RoomSummary(rows, row) else { return nil }
      room = summary
    }
    self.init(
      conversation: ConversationID(key: key), head: UInt64(clamping: head),
      received: UInt64(clamping: received), read: UInt64(clamping: read), peer: peer, room: room,
      lowWaterMark: UInt64(clamping: lowWaterMark), unread: UInt64(clamping: unread))
  }
}

extension ListedMember {
  fileprivate init?(_ rows: PostgresRows, _ row: Int) {
    guard let member = RoomMember(rows, row), let received = rows.int64(row, 2),
      let read = rows.int64(row, 3)
    else { return nil }
    self.init(
      member, PeerMarks(received: UInt64(clamping: received), read: UInt64(clamping: read)))
  }
}

extension RoomSummary {
  fileprivate init?(_ rows: PostgresRows, _ row: Int) {
    guard let role = rows.int64(row, 7), let role = RoomRole(stored: role),
      let since = rows.int64(row, 8), let memberCount = rows.int64(row, 9),
      let name = rows.string(row, 10), let topic = rows.string(row, 11),
      let isPublic = rows.int64(row, 12), let came = rows.int64(row, 13),
      let retainDays = rows.int64(row, 14)
    else { return nil }
    self.init(
      role: role, since: UInt64(clamping: since), joined: UInt64(clamping: came),
      memberCount: Int(memberCount),
      settings: RoomSettings(
        name: name, topic: topic, isPublic: isPublic != 0, retainDays: Int(clamping: retainDays)))
  }
}

extension Message {
  fileprivate init?(_ rows: PostgresRows, _ row: Int, in conversation: ConversationID) {
    guard let sequence = rows.int64(row, 0), let sender = rows.string(row, 1),
      let sender = UserID(sender), let clientID = rows.string(row, 2),
      let timestamp = rows.int64(row, 3), let stored = rows.bytes(row, 4),
      let kind = rows.int64(row, 6), let kind = EntryKind(stored: kind)
    else { return nil }
    let revision = Revision(
      editedBy: rows.int64(row, 7).map { UInt64(clamping: $0) },
      deletedBy: rows.int64(row, 8).map { UInt64(clamping: $0) })
    var body = stored
    if case .deleted = revision { body = Message.emptyBody }
    self.init(
      conversation: conversation, sequence: UInt64(clamping: sequence), sender: sender,
      content: MessageContent(clientID: clientID, body: body), timestamp: timestamp, kind: kind,
      reference: rows.int64(row, 5).map { UInt64(clamping: $0) }, revision: revision)
  }
}
