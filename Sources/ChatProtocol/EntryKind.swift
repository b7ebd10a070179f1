/// What an entry of a conversation's log is.
///
/// Entries of all kinds are numbered, stored, resumed and delivered alike.
package enum EntryKind: UInt8, Sendable, CaseIterable {
  case message = 0
  /// Has the new body of the message that it refers to.
  case edit = 1
  /// Takes the body of the message that it refers to away.
  case delete = 2
  /// Adds to the message that it refers to, or takes away, its sender's reaction.
  case react = 3
  /// A change of the room itself: a `RoomChange`.
  case room = 4

  /// As clients see it; a message has no `kind`.
  package var name: String {
    switch self {
    case .message: "message"
    case .edit: "edit"
    case .delete: "delete"
    case .react: "react"
    case .room: "room"
    }
  }
}

/// What became of a stored message since: which entry of its conversation changed it last.
package enum Revision: Hashable, Sendable {
  /// The message's body is that of this edit.
  case edited(by: UInt64)
  /// The body is gone; an empty object stands in its place.
  case deleted(by: UInt64)
}
