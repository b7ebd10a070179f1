internal import Bytes
internal import ChatProtocol

extension EnvelopeBatch {
  /// Reads the bytes of one bus message. Never traps, whatever they are.
  ///
  /// Names and numbers are held to their rules. The body is taken as it is: the node that
  /// accepted the message has validated it.
  package init(decoding bytes: UnsafeRawBufferPointer) throws(EnvelopeError) {
    var reader = FieldReader(bytes)
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else { throw .version(version) }
    publishedAt = try reader.integer(UInt64.self)
    sender = try reader.node()
    let count = Int(try reader.integer(UInt16.self))
    guard count <= Self.envelopesMax else { throw .tooManyEnvelopes }
    envelopes = []
    envelopes.reserveCapacity(count)
    for _ in 0..<count {
      var fields = FieldReader(try reader.bytes(Int(reader.integer(UInt32.self))))
      if let envelope = try fields.envelope() { envelopes.append(envelope) }
    }
    guard reader.isAtEnd else { throw .trailingBytes }
  }
}

/// Walks over bytes field by field; every step is checked against the end.
private struct FieldReader {
  private var rest: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func bytes(_ count: Int) throws(EnvelopeError) -> UnsafeRawBufferPointer {
    guard count <= rest.count else { throw .truncated }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
    return UnsafeRawBufferPointer(rebasing: rest[..<count])
  }

  mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type
  ) throws(EnvelopeError) -> Integer {
    Integer(bigEndian: try bytes(MemoryLayout<Integer>.size).loadUnaligned(as: Integer.self))
  }

  mutating func bytes8() throws(EnvelopeError) -> UnsafeRawBufferPointer {
    try bytes(Int(integer(UInt8.self)))
  }

  mutating func string8() throws(EnvelopeError) -> String {
    guard let text = String(validating: try bytes8(), as: UTF8.self) else { throw .invalidField }
    return text
  }

  mutating func user() throws(EnvelopeError) -> UserID {
    guard let user = UserID(bytes: try bytes8()) else { throw .invalidField }
    return user
  }

  /// Nothing of a kind that only later versions know.
  mutating func envelope() throws(EnvelopeError) -> Envelope? {
    switch EnvelopeKind(rawValue: try integer(UInt8.self)) {
    case .deliver:
      return .deliver(try delivery())
    case .replace:
      return .replace(try user(), device: try string8(), connection: try string8())
    case .restore:
      return .restore(try user(), device: try string8(), connection: try string8())
    case .relay:
      return .relay(try relay())
    case .signal:
      let recipients = try users()
      guard let signal = try signal() else { return nil }
      return .signal(signal, recipients: recipients)
    case nil:
      return nil
    }
  }

  mutating func node() throws(EnvelopeError) -> NodeID {
    guard let node = NodeID(try string8()) else { throw .invalidField }
    return node
  }

  private mutating func relay() throws(EnvelopeError) -> Relay {
    let kind = try integer(UInt8.self)
    let exchange = Relay.Exchange(
      node: try node(), shard: try integer(UInt16.self), number: try integer(UInt64.self))
    return Relay(
      kind: kind, exchange: exchange, sender: try node(), session: try string8(),
      user: try string8(), detail: try string8(), number: try integer(UInt32.self),
      payload: Array(try bytes(Int(integer(UInt32.self)))))
  }

  private mutating func users() throws(EnvelopeError) -> [UserID] {
    let count = Int(try integer(UInt16.self))
    var users: [UserID] = []
    // A user takes two bytes at least, so a lying count reserves no memory.
    users.reserveCapacity(min(count, rest.count / 2))
    for _ in 0..<count { users.append(try user()) }
    return users
  }

  private mutating func conversation() throws(EnvelopeError) -> ConversationID {
    let key = try string8()
    guard !key.isEmpty, key.utf8.count <= EnvelopeBatch.conversationBytesMax else {
      throw .invalidField
    }
    return ConversationID(key: key)
  }

  private mutating func signal() throws(EnvelopeError) -> Signal? {
    let kind = try integer(UInt8.self)
    let user = try user()
    switch SignalKind(rawValue: kind) {
    case .typing:
      return .typing(in: try conversation(), user)
    case .receipt:
      let conversation = try conversation()
      let marks = PeerMarks(
        received: try integer(UInt64.self), read: try integer(UInt64.self))
      guard marks.read <= marks.received, marks.received < Self.sequenceEnd else {
        throw .invalidField
      }
      return .receipt(in: conversation, user, marks)
    case .presence:
      guard let state = PresenceState(rawValue: try integer(UInt8.self)) else {
        throw .invalidField
      }
      let lastSeen = try integer(Timestamp.self)
      return .presence(user, Presence(state: state, lastSeen: lastSeen == 0 ? nil : lastSeen))
    case nil:
      return nil
    }
  }

  private mutating func delivery() throws(EnvelopeError) -> Delivery {
    let hops = try integer(UInt8.self)
    let conversation = try conversation()
    let sequence = try integer(UInt64.self)
    guard sequence > 0, sequence < Self.sequenceEnd else { throw .invalidField }
    let sender = try user()
    let clientID = try bytes8()
    guard !clientID.isEmpty, clientID.count <= Command.Send.clientIDBytesMax,
      UTF8Validator.isValid(clientID)
    else { throw .invalidField }
    let timestamp = try integer(Timestamp.self)
    let reference = try integer(UInt64.self)
    guard reference < Self.sequenceEnd else { throw .invalidField }
    let body = try bytes(Int(integer(UInt32.self)))
    let recipients = try users()
    // Nodes of the version before say no kind.
    guard let kind = EntryKind(rawValue: isAtEnd ? 0 : try integer(UInt8.self)) else {
      throw .invalidField
    }
    let message = Message(
      conversation: conversation, sequence: sequence, sender: sender,
      content: MessageContent(
        requestID: UnsafeRawBufferPointer(start: nil, count: 0), clientID: clientID, body: body),
      timestamp: timestamp, kind: kind, reference: reference == 0 ? nil : reference)
    return Delivery(message: message, recipients: recipients, hops: hops)
  }

  /// Numbers of messages stay below 2^53, where JSON readers become inexact.
  private static let sequenceEnd: UInt64 = 1 << 53
}
