package import ChatProtocol

/// Who may write which entry of a conversation's log.
package enum EntryRules {
  /// Why a draft is not taken; nil when it is.
  ///
  /// - Parameters:
  ///   - member: what the sender is in the room; not looked at in a direct conversation.
  ///   - target: the entry that the draft refers to, if it is there.
  package static func refusal(
    of draft: Draft, member: EntryAuthor?, target: EntryTarget?
  ) -> StoreRefusal? {
    let isRoom = draft.conversation.isRoom
    if isRoom && member == nil { return .notFound }
    switch draft.kind {
    case .message: return nil
    // Such entries come of changes of the room alone.
    case .room: return .forbidden
    case .edit, .delete, .react: break
    }
    guard let target, target.kind == .message, !target.isDeleted else { return .notFound }
    if isRoom, let member, target.sequence <= member.since { return .notFound }
    let isOwn = target.sender == draft.sender
    switch draft.kind {
    case .message, .room, .react: return nil
    case .edit: return isOwn ? nil : .forbidden
    case .delete:
      let moderates = isRoom && (member?.role ?? .member) >= .moderator
      return isOwn || moderates ? nil : .forbidden
    }
  }
}

/// A member of a room who writes an entry of it.
package struct EntryAuthor: Hashable, Sendable {
  package var role: RoomRole
  /// The author sees the entries above this.
  package var since: UInt64

  package init(role: RoomRole, since: UInt64) {
    self.role = role
    self.since = since
  }
}

/// An entry that another is about.
package struct EntryTarget: Hashable, Sendable {
  package var sequence: UInt64
  package var sender: UserID
  package var kind: EntryKind
  package var isDeleted: Bool

  package init(sequence: UInt64, sender: UserID, kind: EntryKind, isDeleted: Bool) {
    self.sequence = sequence
    self.sender = sender
    self.kind = kind
    self.isDeleted = isDeleted
  }
}
