import ChatCore
import ChatProtocol
import SQLiteClient

extension SQLiteMessages {
  func append(_ draft: Draft) throws -> StoreReply.Result {
    let isPlain = draft.kind == .message && !draft.conversation.isRoom
    var found = try place(of: draft.conversation)
    if !isPlain, let refusal = try refusal(of: draft, place: found) {
      return try earlier(draft) ?? .refused(refusal)
    }
    if found == nil {
      // The conversation is made by a message that is kept, not by a conflict.
      if let earlier = try earlier(draft) { return earlier }
      found = try create(draft.conversation)
    }
    guard let place = found else { throw CorruptTable(name: "conversations") }
    guard let head = try add(draft, place: place) else {
      guard let earlier = try earlier(draft) else { throw CorruptTable(name: "messages") }
      return earlier
    }
    if !isPlain { try revise(draft, head: head) }
    return .appended(
      sequence: UInt64(head.sequence), timestamp: head.timestamp, isDuplicate: false)
  }

  /// Stores the draft as the next entry of its conversation and gives the head that it makes; nil
  /// when the sender has used the client id before.
  func add(_ draft: Draft, place: Int) throws -> Head? {
    var head = heads[place]
    head.sequence += 1
    head.timestamp = max(head.timestamp, draft.timestamp)
    guard try insert(draft, head: head) else { return nil }
    head.isStored = false
    if head.firstTimestamp == nil {
      head.firstTimestamp = head.timestamp
      head.isFirstStored = false
    }
    heads[place] = head
    return head
  }

  private func insert(_ draft: Draft, head: Head) throws -> Bool {
    var sender = draft.sender.name
    return try sender.withUTF8 { sender in
      try draft.content.withClientID { clientID in
        try draft.content.withBody { body in
          defer { statements.insert.reset() }
          try statements.insert.bind(head.id, at: 1)
          try statements.insert.bind(head.sequence, at: 2)
          try statements.insert.bind(borrowedText: UnsafeRawBufferPointer(sender), at: 3)
          try statements.insert.bind(borrowedText: clientID, at: 4)
          try statements.insert.bind(head.timestamp, at: 5)
          try statements.insert.bind(draft.reference.map { Int64(clamping: $0) }, at: 6)
          try statements.insert.bind(borrowedBlob: body, at: 7)
          try statements.insert.bind(Int64(draft.kind.rawValue), at: 8)
          _ = try statements.insert.step()
          return connection.changes == 1
        }
      }
    }
  }

  /// What the entry with this sender and client id answers to the draft; nil without one.
  func earlier(_ draft: Draft) throws -> StoreReply.Result? {
    defer { statements.earlier.reset() }
    try statements.earlier.bind(draft.sender.name, at: 1)
    try statements.earlier.bind(draft.content.clientID, at: 2)
    guard try statements.earlier.step() else { return nil }
    let sequence = UInt64(clamping: statements.earlier.int64(0))
    // The body of a deleted message can be compared no more.
    let isDeleted = statements.earlier.uint64(6) != nil
    let isSame =
      statements.earlier.string(4) == draft.conversation.key
      && statements.earlier.uint64(3) == draft.reference
      && statements.earlier.int64(5) == Int64(draft.kind.rawValue)
      && (isDeleted
        || statements.earlier.withBytes(2) { $0.elementsEqual(draft.content.body) })
    guard isSame else { return .conflict }
    return .appended(
      sequence: sequence, timestamp: statements.earlier.int64(1), isDuplicate: true)
  }

  // MARK: Entries about others

  private func refusal(of draft: Draft, place: Int?) throws -> StoreRefusal? {
    guard let place else { return EntryRules.refusal(of: draft, member: nil, target: nil) }
    let id = heads[place].id
    let member = draft.conversation.isRoom ? try author(draft.sender, in: id) : nil
    var target: EntryTarget?
    if draft.kind != .message, let reference = draft.reference {
      target = try self.target(reference, in: id)
    }
    return EntryRules.refusal(of: draft, member: member, target: target)
  }

  private func target(_ reference: UInt64, in id: Int64) throws -> EntryTarget? {
    defer { statements.target.reset() }
    try statements.target.bind(id, at: 1)
    try statements.target.bind(Int64(clamping: reference), at: 2)
    guard try statements.target.step() else { return nil }
    guard let sender = UserID(statements.target.string(0)),
      let kind = EntryKind(stored: statements.target.int64(1))
    else { throw CorruptTable(name: "messages") }
    return EntryTarget(
      sequence: reference, sender: sender, kind: kind,
      isDeleted: statements.target.uint64(2) != nil)
  }

  /// Does to the message that an entry refers to what the entry says.
  private func revise(_ draft: Draft, head: Head) throws {
    guard let reference = draft.reference else { return }
    func run(_ statement: borrowing SQLiteStatement) throws {
      try statement.bind(head.id, at: 1)
      try statement.bind(Int64(clamping: reference), at: 2)
      try statement.bind(head.sequence, at: 3)
      try statement.run()
    }
    switch draft.kind {
    case .message, .react, .room: break
    case .edit: try run(statements.edit)
    case .delete:
      try run(statements.delete)
      try run(statements.deleteEdits)
    }
  }
}

extension EntryKind {
  /// As a table has it.
  init?(stored: Int64) {
    guard let value = UInt8(exactly: stored) else { return nil }
    self.init(rawValue: value)
  }
}
