package import ChatCore
package import ChatProtocol

/// The store's truth. When a request takes effect and when it is answered is the world's affair.
///
/// Edits, deletions and reactions are entries like messages, of whatever they refer to: unlike the real
/// stores, whose contract `ChatBackendsTests` checks, it refuses none, and what they refer to is read as
/// it was written.
package struct SimulatedStore {
  private struct SendKey: Hashable {
    var sender: UserID
    var clientID: String
  }

  package struct Membership {
    package var role: RoomRole
    package var since: UInt64
    package var joined: UInt64
  }

  /// From the entry with which a member came to the one with which the member went.
  struct Stay {
    /// The member sees the entries above this.
    let since: UInt64
    let joined: UInt64
    fileprivate(set) var left: UInt64?
  }

  package private(set) var logs: [ConversationID: [Message]] = [:]
  private var sent: [SendKey: Message] = [:]
  private var directs: [UserID: [ConversationID]] = [:]
  package private(set) var rooms: [ConversationID: RoomSettings] = [:]
  package private(set) var members: [ConversationID: [UserID: Membership]] = [:]
  private(set) var stays: [ConversationID: [UserID: [Stay]]] = [:]
  private var marks: [UserID: [ConversationID: PeerMarks]] = [:]
  /// Entries up to these numbers are not read any more, though they stay in `logs`.
  private var lowWaterMarks: [ConversationID: UInt64] = [:]

  package init() {}

  package mutating func perform(_ operation: StoreRequest.Operation) -> StoreReply.Result {
    switch operation {
    case .append(let draft):
      append(draft)
    case .changeRoom(let draft):
      changeRoom(draft)
    case .mark(let user, let conversation, let received, let read):
      mark(user, in: conversation, received: received, read: read)
    case .conversations(of: let user, let limit, let countsUnread):
      .conversations(Array(states(of: user, countsUnread: countsUnread).prefix(limit)))
    case .messages(
      in: let conversation, let reader, let after, let before, let limit, let fromStart):
      messages(
        conversation, reader: reader, after: after, before: before, limit: limit,
        fromStart: fromStart)
    case .members(let room, let reader, let after, let limit):
      members(of: room, reader: reader, after: after, limit: limit)
    case .removeExpired:
      // In its world nothing grows old, unless a test removes it.
      .removed(count: 0, isDone: true)
    }
  }

  package func head(_ conversation: ConversationID) -> UInt64 {
    UInt64(logs[conversation]?.count ?? 0)
  }

  package func conversations(of user: UserID) -> [ConversationID] {
    let rooms = members.filter { $0.value[user] != nil }.keys.sorted()
    return (directs[user] ?? []) + rooms
  }

  /// The entries of a conversation above this are for the user.
  package func since(_ user: UserID, in conversation: ConversationID) -> UInt64 {
    members[conversation]?[user]?.since ?? 0
  }

  package func lowWaterMark(of conversation: ConversationID) -> UInt64 {
    lowWaterMarks[conversation] ?? 0
  }

  package mutating func remove(upTo sequence: UInt64, in conversation: ConversationID) {
    lowWaterMarks[conversation] = min(
      max(lowWaterMarks[conversation] ?? 0, sequence), head(conversation))
  }

  private mutating func append(_ draft: Draft) -> StoreReply.Result {
    if let earlier = earlier(
      draft.sender, draft.content, draft.conversation, draft.kind, draft.reference)
    {
      return earlier
    }
    if draft.conversation.isRoom, members[draft.conversation]?[draft.sender] == nil {
      return .refused(.notFound)
    }
    if head(draft.conversation) == 0 {
      for member in draft.conversation.members {
        directs[member, default: []].append(draft.conversation)
      }
    }
    return write(
      draft.conversation, draft.sender, draft.content, draft.kind, draft.reference,
      draft.timestamp)
  }

  /// The answer to what was asked for before.
  private func earlier(
    _ sender: UserID, _ content: MessageContent, _ conversation: ConversationID, _ kind: EntryKind,
    _ reference: UInt64?
  ) -> StoreReply.Result? {
    guard let first = sent[SendKey(sender: sender, clientID: content.clientID)] else { return nil }
    guard first.conversation == conversation, first.content == content, first.kind == kind,
      first.reference == reference
    else { return .conflict }
    return .appended(sequence: first.sequence, timestamp: first.timestamp, isDuplicate: true)
  }

  private mutating func write(
    _ conversation: ConversationID, _ sender: UserID, _ content: MessageContent, _ kind: EntryKind,
    _ reference: UInt64?, _ timestamp: Timestamp
  ) -> StoreReply.Result {
    let message = Message(
      conversation: conversation, sequence: head(conversation) + 1, sender: sender,
      content: content, timestamp: max(timestamp, logs[conversation]?.last?.timestamp ?? 0),
      kind: kind, reference: reference)
    logs[conversation, default: []].append(message)
    sent[SendKey(sender: sender, clientID: content.clientID)] = message
    return .appended(
      sequence: message.sequence, timestamp: message.timestamp, isDuplicate: false)
  }

  // MARK: Rooms

  /// Who may do it is for the stores themselves to know: here everybody may.
  private mutating func changeRoom(_ draft: RoomDraft) -> StoreReply.Result {
    let room = draft.conversation
    if let earlier = earlier(draft.actor, draft.content, room, .room, nil) { return earlier }
    let isMember = members[room]?[draft.actor] != nil
    let first = head(room)
    switch draft.change {
    case .create(let settings, let users):
      guard rooms[room] == nil else { return .refused(.exists) }
      rooms[room] = settings
      add([draft.actor], to: room, as: .owner, since: 0)
      add(users, to: room, since: 0)
    case .join:
      guard let settings = rooms[room], settings.isPublic else { return .refused(.notFound) }
      guard !isMember else { return .unchanged }
      add([draft.actor], to: room, since: 0)
    case .invite(let users):
      guard isMember else { return .refused(.notFound) }
      guard users.contains(where: { members[room]?[$0] == nil }) else { return .unchanged }
      add(users, to: room, since: rooms[room]?.isPublic == true ? 0 : first)
    case .leave:
      guard isMember else { return .refused(.notFound) }
      remove(draft.actor, from: room)
    case .kick(let user):
      guard isMember, members[room]?[user] != nil else { return .refused(.notFound) }
      remove(user, from: room)
    case .setRole(let user, let role):
      guard isMember, members[room]?[user] != nil else { return .refused(.notFound) }
      members[room]?[user]?.role = role
    case .update(let change):
      guard isMember, let settings = rooms[room] else { return .refused(.notFound) }
      rooms[room] = change.applied(to: settings)
    }
    return write(room, draft.actor, draft.content, .room, nil, draft.timestamp)
  }

  private mutating func add(
    _ users: [UserID], to room: ConversationID, as role: RoomRole = .member, since: UInt64
  ) {
    let joined = head(room) + 1
    for user in users where members[room]?[user] == nil {
      members[room, default: [:]][user] = Membership(role: role, since: since, joined: joined)
      stays[room, default: [:]][user, default: []].append(Stay(since: since, joined: joined))
    }
  }

  private mutating func remove(_ user: UserID, from room: ConversationID) {
    members[room]?[user] = nil
    guard var stay = stays[room]?[user]?.popLast() else { return }
    stay.left = head(room) + 1
    stays[room]?[user]?.append(stay)
  }

  private func members(
    of room: ConversationID, reader: UserID, after: UserID?, limit: Int
  ) -> StoreReply.Result {
    guard let all = members[room], all[reader] != nil else { return .refused(.notFound) }
    let behind = all.keys.sorted().filter { after == nil || $0 > after! }
    return .members(
      behind.prefix(limit).map {
        ListedMember(
          RoomMember(user: $0, role: all[$0]?.role ?? .member), marks(of: $0, in: room))
      })
  }

  // MARK: Marks

  func marks(of user: UserID, in conversation: ConversationID) -> PeerMarks {
    marks[user]?[conversation] ?? PeerMarks(received: 0, read: 0)
  }

  private mutating func mark(
    _ user: UserID, in conversation: ConversationID, received: UInt64, read: UInt64
  ) -> StoreReply.Result {
    guard conversations(of: user).contains(conversation) else { return .refused(.notFound) }
    var mark = marks(of: user, in: conversation)
    let head = head(conversation)
    mark.read = max(mark.read, min(read, head))
    mark.received = max(mark.received, min(received, head), mark.read)
    marks[user, default: [:]][conversation] = mark
    return .marked(received: mark.received, read: mark.read)
  }

  // MARK: Reading

  private func states(of user: UserID, countsUnread: Bool) -> [ConversationState] {
    conversations(of: user).map { conversation in
      let mark = marks(of: user, in: conversation)
      var state = ConversationState(
        conversation: conversation, head: head(conversation), received: mark.received,
        read: mark.read, peer: peer(of: user, in: conversation),
        room: summary(of: user, in: conversation),
        lowWaterMark: lowWaterMark(of: conversation))
      if countsUnread { state.unread = unread(by: user, state) }
      return state
    }
  }

  /// In its world nothing is marked as deleted.
  private func unread(by user: UserID, _ state: ConversationState) -> UInt64 {
    let start = min(max(state.read, state.start), state.head)
    let above = (logs[state.conversation] ?? []).dropFirst(Int(start))
    let counted = above.suffix(ConversationState.unreadEntriesMax).filter {
      $0.kind == .message && $0.sender != user
    }
    return UInt64(counted.count)
  }

  private func peer(of user: UserID, in conversation: ConversationID) -> PeerMarks? {
    guard let other = conversation.members.first(where: { $0 != user }) else { return nil }
    return marks(of: other, in: conversation)
  }

  private func summary(of user: UserID, in conversation: ConversationID) -> RoomSummary? {
    guard let all = members[conversation], let own = all[user], let room = rooms[conversation]
    else { return nil }
    return RoomSummary(
      role: own.role, since: own.since, joined: own.joined, memberCount: all.count, settings: room)
  }

  private func messages(
    _ conversation: ConversationID, reader: UserID?, after: UInt64, before: UInt64, limit: Int,
    fromStart: Bool
  ) -> StoreReply.Result {
    var after = after
    if conversation.isRoom, let reader {
      guard members[conversation]?[reader] != nil else { return .refused(.notFound) }
      after = max(after, since(reader, in: conversation))
    }
    let lowWaterMark = lowWaterMark(of: conversation)
    let log = logs[conversation] ?? []
    let low = min(Int(max(after, lowWaterMark)), log.count)
    let all = log[low..<max(low, min(Int(before) - 1, log.count))]
    return .messages(
      Array(fromStart ? all.prefix(limit) : all.suffix(limit)), lowWaterMark: lowWaterMark)
  }
}
