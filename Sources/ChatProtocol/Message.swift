/// Milliseconds since 1970-01-01 UTC, as clients see them in `ts`.
package typealias Timestamp = Int64

/// A stored message: committed, numbered, and the same for every reader.
package struct Message: Hashable, Sendable {
  package var conversation: ConversationID
  /// The place in the conversation, from 1, without gaps, below 2^53.
  package var sequence: UInt64
  package var sender: UserID
  /// The sender's own id of this message: 1 to 64 bytes, unique per sender for ever; and the JSON
  /// object that the sender gave as `body`, byte for byte, already validated.
  package var content: MessageContent
  package var timestamp: Timestamp
  /// The `seq` in the same conversation that this message answers.
  package var replyTo: UInt64?

  package init(
    conversation: ConversationID, sequence: UInt64, sender: UserID, content: MessageContent,
    timestamp: Timestamp, replyTo: UInt64?
  ) {
    self.conversation = conversation
    self.sequence = sequence
    self.sender = sender
    self.content = content
    self.timestamp = timestamp
    self.replyTo = replyTo
  }

  package init(
    conversation: ConversationID, sequence: UInt64, sender: UserID, clientID: String,
    timestamp: Timestamp, body: [UInt8], replyTo: UInt64?
  ) {
    self.init(
      conversation: conversation, sequence: sequence, sender: sender,
      content: MessageContent(clientID: clientID, body: body), timestamp: timestamp,
      replyTo: replyTo)
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

  package init(address: Address, head: UInt64, received: UInt64, read: UInt64, unread: UInt64) {
    self.address = address
    self.head = head
    self.received = received
    self.read = read
    self.unread = unread
  }
}
