import ChatCore
import ChatProtocol

/// What a store has to answer, by the rules of `ChatCore` alone; everything in memory.
struct ModelStore {
  private struct Log {
    var entries: [Message] = []
    var settings: RoomSettings?
    var members: [UserID: Member] = [:]
    /// Entries up to here are removed, though they stay in `entries`.
    var lowWaterMark: UInt64 = 0
  }

  private struct Member {
    var role = RoomRole.member
    /// The entry that a member of a room came with, and what was hidden from then on.
    var came: UInt64 = 0
    var hidden: UInt64 = 0
    var marks = PeerMarks(received: 0, read: 0)
  }

  private var logs: [ConversationID: Log] = [:]
  /// As they were sent.
  private var sent: [String: Message] = [:]

  mutating func perform(_ operation: StoreRequest.Operation) -> StoreReply.Result {
    switch operation {
    case .append(let draft): append(draft)
    case .changeRoom(let draft): change(draft)
    case .mark(let user, let conversation, let received, let read):
      mark(user, in: conversation, PeerMarks(received: max(received, read), read: read))
    case .conversations(let user, let limit, let countsUnread):
      .conversations(states(of: user, limit: limit, countsUnread: countsUnread))
    case .messages(let conversation, let reader, let after, let before, let limit, let fromStart):
      messages(in: conversation, reader: reader, after: after) { entries in
        let found = entries.filter { $0.sequence < before }
        return fromStart ? Array(found.prefix(limit)) : Array(found.suffix(limit))
      }
    case .members(let room, let reader, let after, let limit):
      members(of: room, reader: reader, after: after, limit: limit)
    case .removeExpired(let keptSince, let now, let limit):
      removeExpired(keptSince: keptSince, now: now, limit: limit)
    }
  }

  /// Of which conversations the limit leaves something over is for the store to say: there must be
  /// no more than `limit`.
  private mutating func removeExpired(
    keptSince: Timestamp, now: Timestamp, limit: Int
  ) -> StoreReply.Result {
    var count = 0
    for (conversation, log) in logs {
      let days = Timestamp(log.settings?.retainDays ?? 0)
      let oldest = max(keptSince, days > 0 ? now - days * 86_400_000 : 0)
      for entry in log.entries
      where entry.sequence > log.lowWaterMark && entry.timestamp < oldest {
        logs[conversation]?.lowWaterMark = entry.sequence
        sent["\(entry.sender) \(entry.clientID)"] = nil
        count += 1
      }
    }
    precondition(count < limit, "the model knows no limit")
    return .removed(count: count, isDone: true)
  }

  private func earlier(_ draft: Draft) -> StoreReply.Result? {
    guard let first = sent[key(draft)] else { return nil }
    let stored = logs[first.conversation]?.entries[Int(first.sequence) - 1]
    var isDeleted = false
    if case .deleted = stored?.revision { isDeleted = true }
    guard first.conversation == draft.conversation, first.kind == draft.kind,
      first.reference == draft.reference, isDeleted || first.body == draft.content.body
    else { return .conflict }
    return .appended(
      sequence: first.sequence, timestamp: first.timestamp, isDuplicate: true)
  }

  private mutating func append(_ draft: Draft) -> StoreReply.Result {
    if let earlier = earlier(draft) { return earlier }
    let log = logs[draft.conversation] ?? Log()
    let author = log.members[draft.sender].map {
      EntryAuthor(role: $0.role, since: log.settings?.isPublic == true ? 0 : $0.hidden)
    }
    let target = draft.reference.flatMap { reference in
      log.entries.first { $0.sequence == reference && $0.sequence > log.lowWaterMark }
    }
    let refusal = EntryRules.refusal(
      of: draft, member: author,
      target: target.map {
        var isDeleted = false
        if case .deleted = $0.revision { isDeleted = true }
        return EntryTarget(
          sequence: $0.sequence, sender: $0.sender, kind: $0.kind, isDeleted: isDeleted)
      })
    if let refusal { return .refused(refusal) }
    return store(draft)
  }

  private mutating func store(_ draft: Draft) -> StoreReply.Result {
    var log = logs[draft.conversation] ?? Log()
    if log.entries.isEmpty {
      for member in draft.conversation.members { log.members[member] = Member() }
    }
    let message = Message(
      conversation: draft.conversation, sequence: UInt64(log.entries.count) + 1,
      sender: draft.sender, content: draft.content,
      timestamp: max(draft.timestamp, log.entries.last?.timestamp ?? 0), kind: draft.kind,
      reference: draft.reference)
    if let reference = draft.reference { revise(&log.entries, reference, by: message) }
    log.entries.append(message)
    logs[draft.conversation] = log
    sent[key(draft)] = message
    return .appended(
      sequence: message.sequence, timestamp: message.timestamp, isDuplicate: false)
  }

  private func revise(_ entries: inout [Message], _ reference: UInt64, by message: Message) {
    for index in entries.indices {
      let isTarget = entries[index].sequence == reference
      let isEdit = entries[index].kind == .edit && entries[index].reference == reference
      switch message.kind {
      case .edit where isTarget:
        entries[index].revision = .edited(by: message.sequence)
        entries[index].content = MessageContent(
          clientID: entries[index].clientID, body: message.body)
      case .delete where isTarget || isEdit:
        entries[index].revision = .deleted(by: message.sequence)
        entries[index].content = MessageContent(
          clientID: entries[index].clientID, body: Array("{}".utf8))
      case .message, .edit, .delete, .react, .room: break
      }
    }
  }

  private mutating func change(_ draft: RoomDraft) -> StoreReply.Result {
    let entry = Draft(
      conversation: draft.conversation, sender: draft.actor, content: draft.content, kind: .room,
      reference: nil, timestamp: draft.timestamp)
    if let earlier = earlier(entry) { return earlier }
    let log = logs[draft.conversation] ?? Log()
    let others = log.members.filter { $0.key != draft.change.yielding(by: draft.actor) }
    let next = others.min { left, right in
      (right.value.role, left.value.came, left.key) < (left.value.role, right.value.came, right.key)
    }
    let facts = RoomFacts(
      settings: log.settings, memberCount: log.members.count,
      roles: log.members.mapValues(\.role),
      next: next.map { RoomMember(user: $0.key, role: $0.value.role) })
    switch RoomRules.decide(draft.change, by: draft.actor, in: facts) {
    case .refused(let refusal): return .refused(refusal)
    case .unchanged: return .unchanged
    case .changed(let effect):
      let result = store(entry)
      apply(effect, to: draft.conversation)
      return result
    }
  }

  private mutating func apply(_ effect: RoomEffect, to room: ConversationID) {
    guard var log = logs[room] else { return }
    let head = UInt64(log.entries.count)
    log.settings = effect.settings
    for member in effect.joined {
      log.members[member.user] = Member(
        role: member.role, came: head, hidden: effect.settings.isPublic ? 0 : head - 1)
    }
    if let user = effect.removed { log.members[user] = nil }
    for member in effect.roles { log.members[member.user]?.role = member.role }
    logs[room] = log
  }

  private mutating func mark(
    _ user: UserID, in conversation: ConversationID, _ wanted: PeerMarks
  ) -> StoreReply.Result {
    guard let log = logs[conversation], let member = log.members[user] else {
      return .refused(.notFound)
    }
    let head = UInt64(log.entries.count)
    let marks = PeerMarks(
      received: max(member.marks.received, min(head, wanted.received)),
      read: max(member.marks.read, min(head, wanted.read)))
    logs[conversation]?.members[user]?.marks = marks
    return .marked(received: marks.received, read: marks.read)
  }

  // MARK: Reading

  private func states(of user: UserID, limit: Int, countsUnread: Bool) -> [ConversationState] {
    let mine = logs.filter { $0.value.members[user] != nil }.sorted { left, right in
      let (one, other) = (
        left.value.entries.last?.timestamp ?? 0, right.value.entries.last?.timestamp ?? 0
      )
      return one == other ? left.key < right.key : one > other
    }
    return mine.prefix(limit).compactMap { conversation, log in
      guard let member = log.members[user] else { return nil }
      let peer = conversation.members.first { $0 != user }
      let room = log.settings.map {
        RoomSummary(
          role: member.role, since: $0.isPublic ? 0 : member.hidden, joined: member.came,
          memberCount: log.members.count, settings: $0)
      }
      var state = ConversationState(
        conversation: conversation, head: UInt64(log.entries.count),
        received: member.marks.received, read: member.marks.read,
        peer: peer.flatMap { log.members[$0]?.marks }, room: room,
        lowWaterMark: log.lowWaterMark)
      if countsUnread { state.unread = unread(by: user, state, in: log) }
      return state
    }
  }

  private func unread(by user: UserID, _ state: ConversationState, in log: Log) -> UInt64 {
    let above = log.entries.filter { $0.sequence > max(state.read, state.start) }
    let counted = above.suffix(ConversationState.unreadEntriesMax).filter {
      if case .deleted = $0.revision { return false }
      return $0.kind == .message && $0.sender != user
    }
    return UInt64(counted.count)
  }

  private func messages(
    in conversation: ConversationID, reader: UserID?, after: UInt64,
    window: ([Message]) -> [Message]
  ) -> StoreReply.Result {
    let log = logs[conversation] ?? Log()
    var start = after
    if conversation.isRoom, let reader {
      guard let member = log.members[reader] else { return .refused(.notFound) }
      if log.settings?.isPublic == false { start = max(start, member.hidden) }
    }
    start = max(start, log.lowWaterMark)
    return .messages(
      window(log.entries.filter { $0.sequence > start }), lowWaterMark: log.lowWaterMark)
  }

  private func members(
    of room: ConversationID, reader: UserID, after: UserID?, limit: Int
  ) -> StoreReply.Result {
    guard room.isRoom, let log = logs[room], log.members[reader] != nil else {
      return .refused(.notFound)
    }
    let found = log.members.filter { after == nil || $0.key > after! }.sorted { $0.key < $1.key }
    return .members(
      found.prefix(limit).map {
        ListedMember(RoomMember(user: $0.key, role: $0.value.role), $0.value.marks)
      })
  }

  private func key(_ draft: Draft) -> String { "\(draft.sender) \(draft.content.clientID)" }
}
