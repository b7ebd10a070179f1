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
      envelopes.append(try fields.envelope())
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

  mutating func envelope() throws(EnvelopeError) -> Envelope {
    let kind = try integer(UInt8.self)
    switch EnvelopeKind(rawValue: kind) {
    case .deliver:
      return .deliver(try delivery())
    case .replace:
      return .replace(try user(), device: try string8(), connection: try string8())
    case .relay:
      return .relay(try relay())
    case nil:
      throw .unknownKind(kind)
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

  private mutating func delivery() throws(EnvelopeError) -> Delivery {
    let hops = try integer(UInt8.self)
    let key = try string8()
    guard !key.isEmpty, key.utf8.count <= EnvelopeBatch.conversationBytesMax else {
      throw .invalidField
    }
    let sequence = try integer(UInt64.self)
    guard sequence > 0, sequence < Self.sequenceEnd else { throw .invalidField }
    let sender = try user()
    let clientID = try bytes8()
    guard !clientID.isEmpty, clientID.count <= Command.Send.clientIDBytesMax,
      UTF8Validator.isValid(clientID)
    else { throw .invalidField }
    let timestamp = try integer(Timestamp.self)
    let replyTo = try integer(UInt64.self)
    guard replyTo < Self.sequenceEnd else { throw .invalidField }
    let body = try bytes(Int(integer(UInt32.self)))
    let count = Int(try integer(UInt16.self))
    var recipients: [UserID] = []
    // A recipient takes two bytes at least, so a lying count reserves no memory.
    recipients.reserveCapacity(min(count, rest.count / 2))
    for _ in 0..<count { recipients.append(try user()) }
    let message = Message(
      conversation: ConversationID(key: key), sequence: sequence, sender: sender,
      content: MessageContent(
        requestID: UnsafeRawBufferPointer(start: nil, count: 0), clientID: clientID, body: body),
      timestamp: timestamp, replyTo: replyTo == 0 ? nil : replyTo)
    return Delivery(message: message, recipients: recipients, hops: hops)
  }

  /// Numbers of messages stay below 2^53, where JSON readers become inexact.
  private static let sequenceEnd: UInt64 = 1 << 53
}
