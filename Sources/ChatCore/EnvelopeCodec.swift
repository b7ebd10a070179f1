internal import Bytes
internal import ChatProtocol

/// Bytes that are no envelope batch of a version this node knows.
package enum EnvelopeError: Error, Hashable, Sendable {
  case version(UInt8)
  case truncated
  case trailingBytes
  case invalidField
  case tooManyEnvelopes
}

/// What travels between nodes: the envelopes of one bus message, with who sent them and when.
///
/// All integers in network byte order, strings behind their length:
///
///     version u8, published at u64 (ns since 1970), sender string8, count u16, envelopes
///     envelope: length u32, kind u8, fields
///     deliver:  hops u8, conversation string8, seq u64, sender string8, client id string8,
///               ts i64, reference u64 (0: none), body string32, count u16, recipients string8,
///               kind u8
///     replace, restore: user string8, device string8, connection string8
///     relay:    kind u8, exchange (node string8, shard u16, number u64), sender string8,
///               session string8, user string8, detail string8, number u32, payload bytes32
///     signal:   count u16, recipients string8, kind u8, user string8, then of
///               typing: conversation string8; receipt: conversation string8, received u64, read u64;
///               presence: state u8, last seen i64 (0: not known)
///
/// Kinds of envelopes may be added, and fields behind those of an envelope: a reader skips what it
/// does not know.
package struct EnvelopeBatch: Hashable, Sendable {
  package var sender: NodeID
  /// Nanoseconds since 1970-01-01 UTC on the sender's clock.
  package var publishedAt: UInt64
  package var envelopes: [Envelope]

  package static let version: UInt8 = 1
  package static let envelopesMax = 256
  /// A batch is closed rather than growing beyond this.
  package static let bytesMax = 64 * 1024
  /// A single envelope may go beyond `bytesMax`, alone, up to this.
  package static let loneBytesMax = 1024 * 1024
  static let conversationBytesMax = 2 * UserID.bytesMax + 1

  package init(sender: NodeID, publishedAt: UInt64, envelopes: [Envelope]) {
    self.sender = sender
    self.publishedAt = publishedAt
    self.envelopes = envelopes
  }
}

// MARK: - Encoding

/// Gathers the envelopes for one destination into the bytes of bus messages, one after another.
package struct EnvelopeEncoder: ~Copyable {
  package enum Appended: Equatable {
    case appended
    /// The batch is full; `finish` it and append again.
    case full
    /// Beyond `EnvelopeBatch.loneBytesMax`, or with a field beyond its own limit.
    case tooLarge
  }

  private static let timeOffset = 1
  /// Memory kept from one batch to the next.
  private static let keptBytes = EnvelopeBatch.bytesMax

  package private(set) var count = 0
  private var bytes = ByteBuffer(minimumCapacity: 512)
  private let headerBytes: Int

  package init(sender: NodeID) {
    headerBytes = Self.appendHeader(sender.name, to: &bytes)
  }

  private static func appendHeader(_ sender: String, to bytes: inout ByteBuffer) -> Int {
    bytes.append(EnvelopeBatch.version)
    bytes.append(bigEndian: UInt64(0))
    _ = bytes.append(string8: sender)
    bytes.append(bigEndian: UInt16(0))
    return bytes.count
  }

  package var isEmpty: Bool { count == 0 }

  package mutating func append(_ envelope: Envelope) -> Appended {
    guard count < EnvelopeBatch.envelopesMax else { return .full }
    let start = bytes.count
    bytes.append(bigEndian: UInt32(0))
    guard bytes.append(envelope), bytes.count - start <= EnvelopeBatch.loneBytesMax else {
      bytes.truncate(to: start)
      return .tooLarge
    }
    if bytes.count > EnvelopeBatch.bytesMax && count > 0 {
      bytes.truncate(to: start)
      return .full
    }
    bytes.overwrite(bigEndian: UInt32(bytes.count - start - 4), at: start)
    count += 1
    return .appended
  }

  /// Gives the batch and begins the next.
  package mutating func finish(publishedAt: UInt64) -> [UInt8] {
    bytes.overwrite(bigEndian: publishedAt, at: Self.timeOffset)
    bytes.overwrite(bigEndian: UInt16(count), at: headerBytes - 2)
    let batch = [UInt8](bytes.bytes)
    count = 0
    bytes.truncate(to: headerBytes)
    if bytes.capacity > Self.keptBytes * 2 {
      var smaller = ByteBuffer(minimumCapacity: 512)
      smaller.append(bytes.bytes)
      bytes = smaller
    }
    return batch
  }
}

extension ByteBuffer {
  /// Says false when a field is too long to be written.
  fileprivate mutating func append(_ envelope: Envelope) -> Bool {
    append(envelope.kind.rawValue)
    switch envelope {
    case .deliver(let delivery):
      return append(delivery)
    case .replace(let user, let device, let connection),
      .restore(let user, let device, let connection):
      return append(string8: user.name) && append(string8: device) && append(string8: connection)
    case .relay(let relay):
      return append(relay)
    case .signal(let signal, let recipients):
      return append(recipients) && append(signal)
    }
  }

  private mutating func append(_ recipients: [UserID]) -> Bool {
    guard let count = UInt16(exactly: recipients.count) else { return false }
    append(bigEndian: count)
    for recipient in recipients where !append(string8: recipient.name) { return false }
    return true
  }

  private mutating func append(_ signal: Signal) -> Bool {
    switch signal {
    case .typing(let conversation, let user):
      append(SignalKind.typing.rawValue)
      return append(string8: user.name) && append(string8: conversation.key)
    case .receipt(let conversation, let user, let marks):
      append(SignalKind.receipt.rawValue)
      guard append(string8: user.name), append(string8: conversation.key) else { return false }
      append(bigEndian: marks.received)
      append(bigEndian: marks.read)
      return true
    case .presence(let user, let presence):
      append(SignalKind.presence.rawValue)
      guard append(string8: user.name) else { return false }
      append(presence.state.rawValue)
      append(bigEndian: presence.lastSeen ?? 0)
      return true
    }
  }

  private mutating func append(_ relay: Relay) -> Bool {
    guard relay.payload.count <= EnvelopeBatch.loneBytesMax else { return false }
    append(relay.kind)
    guard append(string8: relay.exchange.node.name) else { return false }
    append(bigEndian: relay.exchange.shard)
    append(bigEndian: relay.exchange.number)
    guard append(string8: relay.sender.name), append(string8: relay.session),
      append(string8: relay.user), append(string8: relay.detail)
    else { return false }
    append(bigEndian: relay.number)
    append(bigEndian: UInt32(relay.payload.count))
    relay.payload.withUnsafeBytes { append($0) }
    return true
  }

  private mutating func append(_ delivery: Delivery) -> Bool {
    let message = delivery.message
    guard message.content.bodyCount <= EnvelopeBatch.loneBytesMax else { return false }
    append(delivery.hops)
    guard append(string8: message.conversation.key) else { return false }
    append(bigEndian: message.sequence)
    guard append(string8: message.sender.name), message.content.withClientID({ append(bytes8: $0) })
    else { return false }
    append(bigEndian: message.timestamp)
    append(bigEndian: message.reference ?? 0)
    append(bigEndian: UInt32(message.content.bodyCount))
    message.content.withBody { append($0) }
    guard append(delivery.recipients) else { return false }
    append(message.kind.rawValue)
    return true
  }

  fileprivate mutating func append(string8 text: String) -> Bool {
    var text = text
    return text.withUTF8 { append(bytes8: UnsafeRawBufferPointer($0)) }
  }

  private mutating func append(bytes8 bytes: UnsafeRawBufferPointer) -> Bool {
    guard let length = UInt8(exactly: bytes.count) else { return false }
    append(length)
    append(bytes)
    return true
  }

  fileprivate mutating func overwrite<Integer: FixedWidthInteger>(
    bigEndian value: Integer, at offset: Int
  ) {
    mutableBytes.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Integer.self)
  }
}

enum EnvelopeKind: UInt8 {
  case deliver = 1
  case replace = 2
  case relay = 3
  case signal = 4
  case restore = 5
}

extension Envelope {
  fileprivate var kind: EnvelopeKind {
    switch self {
    case .deliver: .deliver
    case .replace: .replace
    case .restore: .restore
    case .relay: .relay
    case .signal: .signal
    }
  }
}

enum SignalKind: UInt8 {
  case typing = 1
  case receipt = 2
  case presence = 3
}
