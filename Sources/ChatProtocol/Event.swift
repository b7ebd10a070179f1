/// Why messages were left out.
package enum GapCause: Hashable, Sendable {
  /// They were too many, or the reader too slow; `history` has them.
  case overflow
  /// The reader was not in the room; `history` has them if it is a public one.
  case absence
  /// They had been kept for long enough, and nobody has them any more.
  case removal
}

/// A frame to a client.
package enum Event: Hashable, Sendable {
  case ready(Ready)
  case ack(Ack)
  /// A message as `reader` sees it. All recipients with the same view share one encoding.
  case message(Message, conversation: Address)
  case page(RequestID?, conversation: Address, items: [Message], more: Bool)
  case conversations(RequestID?, [ConversationSummary])
  case pong(RequestID?)
  /// What was asked for is done.
  case done(RequestID?)
  /// A member of the conversation has received and read up to there.
  case receipt(conversation: Address, user: UserID, PeerMarks)
  case typing(conversation: Address, user: UserID)
  case presence(UserID, Presence)
  /// The states of the users that are watched from now on.
  case watching(RequestID?, [WatchedUser])
  case members(RequestID?, room: String, items: [ListedMember], more: Bool)
  /// Messages above `after` and below `before` were not sent.
  case gap(conversation: Address, after: UInt64, before: UInt64, GapCause = .overflow)
  case error(RequestID?, ErrorCode, message: String, retryAfterMilliseconds: Int?)
  /// The node is about to close; come back in so many milliseconds.
  case reconnect(afterMilliseconds: Int)

  package struct Ready: Hashable, Sendable {
    package var id: RequestID?
    package var user: UserID
    package var device: String
    package var session: String
    package var node: String
    package var pingMilliseconds: Int
    package var conversations: [ConversationSummary]
    package var limits: Limits

    package init(
      id: RequestID?, user: UserID, device: String, session: String, node: String,
      pingMilliseconds: Int, conversations: [ConversationSummary], limits: Limits
    ) {
      self.id = id
      self.user = user
      self.device = device
      self.session = session
      self.node = node
      self.pingMilliseconds = pingMilliseconds
      self.conversations = conversations
      self.limits = limits
    }
  }

  /// What `ready` tells a client about its limits, in bytes and messages a minute (0: none).
  package struct Limits: Hashable, Sendable {
    package var frameBytes: Int
    package var textBytes: Int
    package var sendsPerMinute: Int

    package init(frameBytes: Int, textBytes: Int, sendsPerMinute: Int) {
      self.frameBytes = frameBytes
      self.textBytes = textBytes
      self.sendsPerMinute = sendsPerMinute
    }
  }

  package struct Ack: Sendable {
    /// Of which the ack repeats the ids.
    package var content: MessageContent
    package var conversation: Address
    package var sequence: UInt64
    package var timestamp: Timestamp
    package var isDuplicate: Bool

    package init(
      of content: MessageContent, conversation: Address, sequence: UInt64,
      timestamp: Timestamp, isDuplicate: Bool
    ) {
      self.content = content
      self.conversation = conversation
      self.sequence = sequence
      self.timestamp = timestamp
      self.isDuplicate = isDuplicate
    }
  }
}

extension Event.Ack {
  package init(
    id: RequestID?, clientID: String, conversation: Address, sequence: UInt64,
    timestamp: Timestamp, isDuplicate: Bool
  ) {
    self.init(
      of: MessageContent(requestID: id, clientID: clientID, body: []),
      conversation: conversation, sequence: sequence, timestamp: timestamp,
      isDuplicate: isDuplicate)
  }

  package var id: RequestID? { content.requestID }
  package var clientID: String { content.clientID }
}

/// Equal when the frames are.
extension Event.Ack: Hashable {
  package static func == (left: Event.Ack, right: Event.Ack) -> Bool {
    left.id == right.id && left.clientID == right.clientID
      && left.conversation == right.conversation && left.sequence == right.sequence
      && left.timestamp == right.timestamp && left.isDuplicate == right.isDuplicate
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(clientID)
    hasher.combine(sequence)
  }
}

package struct WatchedUser: Hashable, Sendable {
  package var user: UserID
  package var presence: Presence

  package init(_ user: UserID, _ presence: Presence) {
    self.user = user
    self.presence = presence
  }
}

/// The codes of `error` frames.
package enum ErrorCode: String, Sendable, CaseIterable {
  case badRequest = "bad_request"
  case unauthorized
  case forbidden
  case notFound = "not_found"
  case conflict
  case tooLarge = "too_large"
  case rateLimited = "rate_limited"
  case unsupported
  case unavailable
  case `internal`

  /// Whether the same request may succeed later.
  package var isRetryable: Bool {
    switch self {
    case .rateLimited, .unavailable, .internal: true
    case .badRequest, .unauthorized, .forbidden, .notFound, .conflict, .tooLarge, .unsupported:
      false
    }
  }
}

/// The application's close codes (RFC 6455 section 7.4.2), in bands that tell a client what to do.
package enum ChatCloseCode: UInt16, Sendable, CaseIterable {
  // 40xx: the client does not reconnect by itself.
  case badProtocol = 4000
  case unauthorized = 4001
  case replaced = 4004
  case helloTimeout = 4008

  // 41xx: it reconnects with back-off, 1 s to 30 s with full jitter.
  case overloaded = 4100
  case rateLimited = 4101
  case slowConsumer = 4102
  case internalError = 4103

  // 42xx: it reconnects now and resumes.
  case draining = 4200
  case pingTimeout = 4202
}
