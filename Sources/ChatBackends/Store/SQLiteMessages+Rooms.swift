import ChatCore
import ChatProtocol
import SQLiteClient

extension SQLiteMessages {
  func change(_ draft: RoomDraft) throws -> StoreReply.Result {
    let entry = draft.entry
    if let earlier = try earlier(entry) { return earlier }
    guard draft.conversation.isRoom else { return .refused(.notFound) }
    let found = try place(of: draft.conversation)
    let facts = try found.map { try self.facts(for: draft, in: heads[$0].id) } ?? RoomFacts()
    switch RoomRules.decide(draft.change, by: draft.actor, in: facts) {
    case .refused(let refusal): return .refused(refusal)
    case .unchanged: return .unchanged
    case .changed(let effect):
      let place = try found ?? create(draft.conversation)
      guard let head = try add(entry, place: place) else { throw CorruptTable(name: "messages") }
      try store(effect, memberCount: facts.memberCount + effect.memberCountChange, head: head)
      return .appended(
        sequence: UInt64(head.sequence), timestamp: head.timestamp, isDuplicate: false)
    }
  }

  private func facts(for draft: RoomDraft, in id: Int64) throws -> RoomFacts {
    defer { statements.rooms.room.reset() }
    try statements.rooms.room.bind(id, at: 1)
    guard try statements.rooms.room.step() else { return RoomFacts() }
    var facts = RoomFacts(
      settings: RoomSettings(
        name: statements.rooms.room.string(0), topic: statements.rooms.room.string(1),
        isPublic: statements.rooms.room.int64(2) != 0,
        retainDays: Int(clamping: statements.rooms.room.int64(4))),
      memberCount: Int(statements.rooms.room.int64(3)))
    for user in draft.change.concerned(by: draft.actor) {
      facts.roles[user] = try author(user, in: id)?.role
    }
    if let user = draft.change.yielding(by: draft.actor) {
      facts.next = try next(to: user, in: id)
    }
    return facts
  }

  /// What the user is in a room; nil for one who is no member.
  func author(_ user: UserID, in id: Int64) throws -> EntryAuthor? {
    defer { statements.rooms.author.reset() }
    try statements.rooms.author.bind(user.name, at: 1)
    try statements.rooms.author.bind(id, at: 2)
    guard try statements.rooms.author.step() else { return nil }
    guard let role = RoomRole(stored: statements.rooms.author.int64(0)) else {
      throw CorruptTable(name: "members")
    }
    return EntryAuthor(role: role, since: statements.rooms.author.uint64(1) ?? 0)
  }

  private func next(to user: UserID, in id: Int64) throws -> RoomMember? {
    defer { statements.rooms.next.reset() }
    try statements.rooms.next.bind(id, at: 1)
    try statements.rooms.next.bind(user.name, at: 2)
    guard try statements.rooms.next.step() else { return nil }
    return try member(at: statements.rooms.next)
  }

  private func member(at row: borrowing SQLiteStatement) throws -> RoomMember {
    guard let user = UserID(row.string(0)), let role = RoomRole(stored: row.int64(1)) else {
      throw CorruptTable(name: "members")
    }
    return RoomMember(user: user, role: role)
  }

  private func store(_ effect: RoomEffect, memberCount: Int, head: Head) throws {
    let rooms = statements.rooms
    try rooms.storeRoom.bind(head.id, at: 1)
    try rooms.storeRoom.bind(effect.settings.name, at: 2)
    try rooms.storeRoom.bind(effect.settings.topic, at: 3)
    try rooms.storeRoom.bind(effect.settings.isPublic ? 1 : 0, at: 4)
    try rooms.storeRoom.bind(Int64(memberCount), at: 5)
    try rooms.storeRoom.run()
    try rooms.storeRetention.bind(head.id, at: 1)
    try rooms.storeRetention.bind(Int64(effect.settings.retainDays), at: 2)
    try rooms.storeRetention.run()
    for member in effect.joined {
      try rooms.addMember.bind(member.user.name, at: 1)
      try rooms.addMember.bind(head.id, at: 2)
      try rooms.addMember.bind(Int64(member.role.rawValue), at: 3)
      try rooms.addMember.bind(effect.settings.isPublic ? 0 : head.sequence - 1, at: 4)
      try rooms.addMember.bind(head.sequence, at: 5)
      try rooms.addMember.run()
    }
    if let user = effect.removed {
      try rooms.removeMember.bind(user.name, at: 1)
      try rooms.removeMember.bind(head.id, at: 2)
      try rooms.removeMember.run()
    }
    for member in effect.roles {
      try rooms.storeRole.bind(member.user.name, at: 1)
      try rooms.storeRole.bind(head.id, at: 2)
      try rooms.storeRole.bind(Int64(member.role.rawValue), at: 3)
      try rooms.storeRole.run()
    }
  }

  // MARK: Members

  /// Nil for a reader who is no member.
  func members(
    of room: ConversationID, seenBy reader: UserID, after: UserID?, limit: Int
  ) throws -> [ListedMember]? {
    guard room.isRoom, let place = try place(of: room) else { return nil }
    let id = heads[place].id
    guard try author(reader, in: id) != nil else { return nil }
    let statement = statements.rooms
    defer { statement.members.reset() }
    try statement.members.bind(id, at: 1)
    try statement.members.bind(after?.name ?? "", at: 2)
    try statement.members.bind(Int64(max(0, limit)), at: 3)
    var found: [ListedMember] = []
    while try statement.members.step() {
      let marks = PeerMarks(
        received: statement.members.uint64(2) ?? 0, read: statement.members.uint64(3) ?? 0)
      found.append(ListedMember(try member(at: statement.members), marks))
    }
    return found
  }

  func mark(
    _ user: UserID, in conversation: ConversationID, received: UInt64, read: UInt64
  ) throws -> StoreReply.Result {
    guard let place = try place(of: conversation) else { return .refused(.notFound) }
    let head = heads[place]
    try statements.marks.bind(user.name, at: 1)
    try statements.marks.bind(head.id, at: 2)
    defer { statements.marks.reset() }
    guard try statements.marks.step() else { return .refused(.notFound) }
    let old = (received: statements.marks.int64(0), read: statements.marks.int64(1))
    let wanted = Int64(clamping: read)
    let new = (
      received: max(old.received, min(head.sequence, max(Int64(clamping: received), wanted))),
      read: max(old.read, min(head.sequence, wanted))
    )
    if new != old {
      try statements.storeMarks.bind(user.name, at: 1)
      try statements.storeMarks.bind(head.id, at: 2)
      try statements.storeMarks.bind(new.received, at: 3)
      try statements.storeMarks.bind(new.read, at: 4)
      try statements.storeMarks.run()
    }
    return .marked(received: UInt64(clamping: new.received), read: UInt64(clamping: new.read))
  }
}

extension RoomRole {
  /// As a table has it.
  init?(stored: Int64) {
    guard let value = UInt8(exactly: stored) else { return nil }
    self.init(rawValue: value)
  }
}
