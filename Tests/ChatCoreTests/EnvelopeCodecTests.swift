import ChatCore
import ChatProtocol
import Testing

struct EnvelopeCodecTests {
  static let alice = UserID("alice")!
  static let bob = UserID("bob")!
  static let node = NodeID("server1")!

  static func delivery(bodyBytes: Int = 13, recipients: Int = 2, reference: UInt64? = 7) -> Envelope
  {
    let message = Message(
      conversation: ConversationID(direct: alice, bob), sequence: 18, sender: alice,
      clientID: "01J9Z", timestamp: 1_767_222_222_123,
      body: [UInt8](repeating: UInt8(ascii: "x"), count: bodyBytes), reference: reference)
    return .deliver(
      Delivery(message: message, recipients: (0..<recipients).map { UserID("u\($0)")! }, hops: 1))
  }

  static let replace = Envelope.replace(bob, device: "web-7f3a", connection: "c12")

  static let restore = Envelope.restore(alice, device: "web-7f3a", connection: "s0-9")

  static let relay = Envelope.relay(
    Relay(
      kind: 17, exchange: .init(node: NodeID("server2")!, shard: 3, number: 1 << 40),
      sender: node, session: "/sockjs/abc", user: "alice", detail: "text/plain", number: 9,
      payload: Array("[\"hi\"]".utf8)))

  static func encode(_ envelopes: [Envelope]) -> [UInt8] {
    var encoder = EnvelopeEncoder(sender: node)
    for envelope in envelopes { #expect(encoder.append(envelope) == .appended) }
    return encoder.finish(publishedAt: 42)
  }

  static func decode(_ bytes: [UInt8]) throws -> EnvelopeBatch {
    try bytes.withUnsafeBytes { try EnvelopeBatch(decoding: $0) }
  }

  @Test func `a batch comes back as it was`() throws {
    let batches: [[Envelope]] = [
      [], [Self.delivery()], [Self.replace], [Self.restore], [Self.delivery(bodyBytes: 0)],
      [Self.delivery(reference: nil), Self.replace, Self.delivery(recipients: 0)],
      [Self.relay, Self.delivery(), Self.relay],
      [Self.delivery(bodyBytes: 500_000)], [Self.delivery(recipients: 1_000)],
    ]
    for envelopes in batches {
      let batch = try Self.decode(Self.encode(envelopes))
      #expect(batch.sender == Self.node && batch.publishedAt == 42)
      #expect(batch.envelopes == envelopes)
    }
  }

  @Test func `a batch is full at its count`() {
    var encoder = EnvelopeEncoder(sender: Self.node)
    for _ in 0..<EnvelopeBatch.envelopesMax { #expect(encoder.append(Self.replace) == .appended) }
    #expect(encoder.append(Self.replace) == .full)
    #expect(encoder.count == EnvelopeBatch.envelopesMax)
  }

  @Test func `a batch is full at its size and an envelope beyond it goes alone`() throws {
    let large = Self.delivery(bodyBytes: 40_000)
    var encoder = EnvelopeEncoder(sender: Self.node)
    #expect(encoder.append(large) == .appended)
    #expect(encoder.append(large) == .full)
    let bytes = encoder.finish(publishedAt: 42)
    #expect(try Self.decode(bytes).envelopes == [large])
    #expect(encoder.isEmpty && encoder.append(Self.replace) == .appended)
    let next = encoder.finish(publishedAt: 43)
    #expect(try Self.decode(next).envelopes == [Self.replace])
    var lone = EnvelopeEncoder(sender: Self.node)
    #expect(lone.append(Self.delivery(bodyBytes: 100_000)) == .appended)
    #expect(lone.append(Self.replace) == .full)
  }

  @Test func `an envelope that no message may hold is refused and leaves the batch whole`() throws {
    var encoder = EnvelopeEncoder(sender: Self.node)
    #expect(encoder.append(Self.replace) == .appended)
    #expect(encoder.append(Self.delivery(bodyBytes: EnvelopeBatch.loneBytesMax)) == .tooLarge)
    #expect(encoder.append(Self.delivery(recipients: 70_000)) == .tooLarge)
    let long = String(repeating: "d", count: 256)
    #expect(encoder.append(.replace(Self.bob, device: long, connection: "c")) == .tooLarge)
    let bytes = encoder.finish(publishedAt: 42)
    #expect(try Self.decode(bytes).envelopes == [Self.replace])
  }

  @Test func `bytes cut anywhere are an error`() {
    let bytes = Self.encode([Self.delivery(), Self.replace, Self.relay])
    for length in 0..<bytes.count {
      #expect(throws: EnvelopeError.self) { try Self.decode([UInt8](bytes.prefix(length))) }
    }
    #expect(throws: EnvelopeError.trailingBytes) { try Self.decode(bytes + [0]) }
  }

  @Test func `every changed byte gives a batch or an error and never a trap`() {
    let bytes = Self.encode([Self.delivery(), Self.replace, Self.relay])
    for index in bytes.indices {
      for value in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
        var changed = bytes
        changed[index] = value
        _ = try? Self.decode(changed)
      }
    }
  }

  @Test func `fields behind the known ones are skipped`() throws {
    var bytes = Self.encode([Self.replace])
    // The envelope's length is the last UInt32 before its kind.
    let lengthEnd = bytes.count - 1 - 4 - 9 - 4
    #expect(bytes[lengthEnd] == 2)
    bytes[lengthEnd - 1] += 3
    #expect(try Self.decode(bytes + [1, 2, 3]).envelopes == [Self.replace])
  }

  @Test func `envelopes of kinds that are not known are skipped`() throws {
    var bytes = Self.encode([Self.restore, Self.replace])
    bytes[bytes.count - 1 - 4 - 9 - 4] = 9
    #expect(try Self.decode(bytes).envelopes == [Self.restore])
  }

  @Test func `another version is named`() {
    var bytes = Self.encode([Self.replace])
    bytes[0] = 2
    #expect(throws: EnvelopeError.version(2)) { try Self.decode(bytes) }
  }
}
