/// Milliseconds since 1970-01-01 UTC, as clients see them in `ts`.
package typealias Timestamp = Int64

/// A stored message, or another entry of a conversation's log: committed, numbered, and the same for
/// every reader.
package struct Message: Hashable, Sendable {
  package var conversation: ConversationID
  /// The place in the conversation, from 1, without gaps, below 2^53.
  package var sequence: UInt64
  package var sender: UserID
  /// The sender's own id of this message: 1 to 64 bytes, unique per sender for ever; and the JSON
  /// object that the sender gave as `body`, byte for byte, already validated.
  package var content: MessageContent
  package var timestamp: Timestamp
  package var kind: EntryKind
  /// The `seq` in the same conversation that this entry is about: what a message answers, what an
  /// edit, a deletion or a reaction is for.
  package var reference: UInt64?
  /// Present in what is read from the store, where it was changed later.
  package var revision: Revision?

  package init(
    conversation: ConversationID, sequence: UInt64, sender: UserID, content: MessageContent,
    timestamp: Timestamp, kind: EntryKind = .message, reference: UInt64?,
    revision: Revision? = nil
  ) {
    self.kind = kind
    self.revision = revision
    self.conversation = conversation
    self.sequence = sequence
    self.sender = sender
    self.content = content
    self.timestamp = timestamp
    self.reference = reference
  }

  package init(
    conversation: ConversationID, sequence: UInt64, sender: UserID, clientID: String,
    timestamp: Timestamp, body: [UInt8], reference: UInt64?
  ) {
    self.init(
      conversation: conversation, sequence: sequence, sender: sender,
      content: MessageContent(clientID: clientID, body: body), timestamp: timestamp,
      reference: reference)
  }

  /// Copies; for what is not done per message.
  package var clientID: String { content.clientID }

  /// Copies, like `clientID`.
  package var body: [UInt8] { content.body }
}

/// A conversation as one of its members sees it in `ready` and `conversations`.
package struct ConversationSummary: Hashable, Sendable {
  package var address: Address
  /// The last `seq` of the conversation.
  package var head: UInt64
  /// The highest `seq` this member's devices have received, and the highest that was read.
  package var received: UInt64
  package var read: UInt64
  package var unread: UInt64
  /// How far the other has received and read, in a direct conversation.
  package var peer: PeerMarks?
  /// Present for a room.
  package var room: RoomSummary?

  /// Bytes of a list from which on its rooms come without name and topic.
  ///
  /// The list has all conversations, because a room that it does not name counts as left; and anybody
  /// may make a user a member of thousands of rooms. With all that they are called it might be more than
  /// may be pending for a connection, each time that the user comes.
  package static let namedBytesMax = 1_048_576

  package init(
    address: Address, head: UInt64, received: UInt64, read: UInt64, unread: UInt64,
    peer: PeerMarks? = nil, room: RoomSummary? = nil
  ) {
    self.address = address
    self.head = head
    self.received = received
    self.read = read
    self.unread = unread
    self.peer = peer
    self.room = room
  }
}

/// How far another member of a conversation has received and read it.
package struct PeerMarks: Hashable, Sendable {
  package var received: UInt64
  package var read: UInt64

  package init(received: UInt64, read: UInt64) {
    self.received = received
    self.read = read
  }
}

/// A room as one of its members sees it in `ready` and `conversations`.
package struct RoomSummary: Hashable, Sendable {
  package var role: RoomRole
  /// The member sees the entries above this.
  package var since: UInt64
  /// The number of the entry with which the member came.
  package var joined: UInt64
  package var memberCount: Int
  package var settings: RoomSettings

  package init(
    role: RoomRole, since: UInt64, joined: UInt64, memberCount: Int, settings: RoomSettings
  ) {
    self.role = role
    self.since = since
    self.joined = joined
    self.memberCount = memberCount
    self.settings = settings
  }
}
