import Bytes
import Testing

@testable import WebSocket

@Suite struct DeflateTests {
  /// RSV1 on the first frame, and only there.
  private static func deflated(
    _ payload: [UInt8], opcode: UInt8 = 1, isFinal: Bool = true
  ) -> Frame {
    Frame(opcode: opcode, payload: payload, isFinal: isFinal, reserved: opcode == 0 ? 0 : 4)
  }

  private static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]

  /// RFC 7692, section 7.2.3.
  static let examples: [([Frame], [String])] = [
    ([deflated(hello)], ["text Hello"]),
    (
      [
        deflated([0xF2, 0x48, 0xCD], isFinal: false),
        deflated([0xC9, 0xC9, 0x07, 0x00], opcode: 0),
      ], ["text Hello"]
    ),
    (
      [
        deflated([0xF2], isFinal: false), .ping("p"),
        deflated([], opcode: 0, isFinal: false),
        deflated([0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], opcode: 0), .text("plain"),
      ], ["ping p", "text Hello", "text plain"]
    ),
    (
      [
        deflated([
          0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00,
        ])
      ], ["text Hello"]
    ),
    // A block that is marked as the last.
    ([deflated([0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00])], ["text Hello"]),
    // Two blocks.
    (
      [
        deflated([
          0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00,
        ])
      ], ["text Hello"]
    ),
    ([deflated([0x00])], ["text "]),
    ([deflated([0x00], opcode: 2)], ["binary []"]),
    ([deflated(hello, opcode: 2)], ["binary [72, 101, 108, 108, 111]"]),
    ([deflated(hello), .text("a"), deflated(hello)], ["text Hello", "text a", "text Hello"]),
  ]

  @Test(arguments: examples)
  func `inflates alike however the input is cut`(frames: [Frame], inbound: [String]) {
    let bytes = frames.flatMap(\.bytes)
    let deflate = Deflate()
    for cut in [[bytes]] + everyCut(bytes) {
      let found = Conversation(decoding: cut, deflate: deflate)
      #expect(found.inbound == inbound)
      #expect(found.error == nil)
      #expect(!found.isMidway && !found.holdsBuffer)
    }
  }

  /// Section 7.2.3.2: the second one refers to the first.
  private static let helloAgain: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]

  @Test func `refers to an earlier message only where contexts are kept`() {
    let bytes = [Self.deflated(Self.hello), Self.deflated(Self.helloAgain)].flatMap(\.bytes)
    let kept = Conversation(decoding: [bytes], deflate: .keepingContexts)
    #expect(kept.inbound == ["text Hello", "text Hello"])
    let forgotten = Conversation(decoding: [bytes], deflate: Deflate())
    #expect(forgotten.inbound == ["text Hello"])
    #expect(forgotten.error == .corruptDeflate)
  }

  @Test func `refers to what is before a last block too`() {
    let last: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]
    let bytes = [Self.deflated(last), Self.deflated(Self.helloAgain)].flatMap(\.bytes)
    let found = Conversation(decoding: [bytes], deflate: .keepingContexts)
    #expect(found.inbound == ["text Hello", "text Hello"])
  }

  // MARK: Refusals

  static let violations: [Violation] = [
    // RSV1 on what does not start a message; RSV2 and RSV3 on anything.
    Violation([0xC9], .reservedBits, 1002), Violation([0xC8], .reservedBits, 1002),
    Violation([0xCA], .reservedBits, 1002), Violation([0xC0], .reservedBits, 1002),
    Violation([0xA1], .reservedBits, 1002), Violation([0x91], .reservedBits, 1002),
    Violation([0xE1], .reservedBits, 1002), Violation([0xF2], .reservedBits, 1002),
    Violation(
      [deflated([0xF2], isFinal: false), Frame(opcode: 0, payload: [0x48], reserved: 4)],
      .reservedBits, 1002),
    Violation(
      [.text("a", isFinal: false), Frame(opcode: 0, payload: [0x62], reserved: 4)],
      .reservedBits, 1002),
    Violation([deflated(hello, isFinal: false), deflated(hello)], .outOfOrder, 1002),
    // No block of deflate, a distance to before the message, a last block without the next.
    Violation([deflated([0x07])], .corruptDeflate, 1007),
    Violation([deflated([0xFF, 0xFF, 0xFF])], .corruptDeflate, 1007),
    Violation([deflated(helloAgain)], .corruptDeflate, 1007),
    Violation([deflated([0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00])], .corruptDeflate, 1007),
    // Stored bytes fewer than said, and lengths that contradict each other.
    Violation([deflated([0x00, 0x09, 0x00, 0xF6, 0xFF, 0x48], opcode: 2)], .corruptDeflate, 1007),
    Violation([deflated([0x00, 0x05, 0x00, 0x00, 0x00])], .corruptDeflate, 1007),
    Violation([deflated([])], .corruptDeflate, 1007),
    // Cut in the middle of a block.
    Violation([deflated([0xF2, 0x48])], .corruptDeflate, 1007),
    // Valid deflate, invalid text: a byte 0xFF, and half a character.
    Violation([deflated([0x00, 0x01, 0x00, 0xFE, 0xFF, 0xFF, 0x00])], .invalidUTF8, 1007),
    Violation([deflated([0x00, 0x01, 0x00, 0xFE, 0xFF, 0xC3, 0x00])], .invalidUTF8, 1007),
  ]

  @Test(arguments: violations)
  func `fails the connection with its code, however the input is cut`(violation: Violation) {
    let deflate = Deflate()
    for cut in [[violation.bytes]] + everyCut(violation.bytes) {
      let found = Conversation(decoding: cut, deflate: deflate)
      #expect(found.error == violation.error)
      #expect(found.error?.closeCode.rawValue == violation.code)
    }
    // One sender's mistake is not another's, although they share the inflater.
    let next = Conversation(decoding: [Self.deflated(Self.hello).bytes], deflate: deflate)
    #expect(next.inbound == ["text Hello"])
  }

  @Test func `takes no compressed message where none was agreed on`() {
    let found = Conversation(decoding: [[0xC1]])
    #expect(found.error == .reservedBits)
  }

  @Test(arguments: [0, 1], [65_535, 65_536, 65_537, 14_000_000])
  func `stops inflating at the limit of a message`(contextsMax: Int, count: Int) {
    let bytes = Deflate().deflate([UInt8](repeating: 0, count: count))!
    let found = Conversation(
      decoding: [Self.deflated(bytes, opcode: 2).bytes],
      deflate: Deflate(policy: CompressionPolicy(contextsMax: contextsMax)))
    #expect(found.error == (count <= 65_536 ? nil : .messageTooBig))
    #expect(found.inbound.count == (count <= 65_536 ? 1 : 0))
  }

  /// A thousand times as large as it looks.
  private static let bomb = Deflate().deflate([UInt8](repeating: 0, count: 10_000_000))!

  @Test func `claims no memory beyond the limit`() {
    let inflater = Inflater(windowBits: 15)
    for bytesMax in [0, 1, 100, 5_000, 65_536] {
      var output = ByteBuffer(minimumCapacity: 16)
      var error: ProtocolError?
      Self.bomb.withUnsafeBytes { bomb in
        do throws(ProtocolError) {
          try inflater.inflate(bomb, isText: false, bytesMax: bytesMax, into: &output)
        } catch let failure {
          error = failure
        }
      }
      inflater.reset()
      #expect(error == .messageTooBig)
      #expect(output.count == bytesMax)
      #expect(output.capacity <= max(16, bytesMax))
    }
  }

  @Test func `fails at the first wrong byte of a text, not at its end`() {
    var text = [UInt8](repeating: 0x61, count: 1_000_000)
    text[0] = 0xFF
    let message = Deflate().deflate(text)!
    let limits = MessageLimits(messageBytesMax: 100_000)
    let found = Conversation(
      decoding: [Self.deflated(message).bytes], limits: limits, deflate: Deflate())
    #expect(found.error == .invalidUTF8)
  }

  @Test func `limits what is deflated before it is inflated`() {
    let limits = MessageLimits(messageBytesMax: 6_400)
    func error(_ bytes: Int) -> ProtocolError? {
      let payload = [UInt8](repeating: 0xFF, count: bytes)
      let frames = [
        Self.deflated(Array(payload.prefix(100)), isFinal: false),
        Self.deflated(Array(payload.dropFirst(100)), opcode: 0),
      ]
      return Conversation(
        decoding: [frames.flatMap(\.bytes)], limits: limits, deflate: Deflate()
      ).error
    }
    #expect(error(6_400 + 100 + 64) == .corruptDeflate)
    #expect(error(6_400 + 100 + 65) == .messageTooBig)
  }

  @Test func `takes an incompressible message of the largest size`() throws {
    var random = SplitMix64(state: 7)
    let message = (0..<65_536).map { _ in UInt8.random(in: 0...255, using: &random) }
    var policy = CompressionPolicy()
    policy.messageBytesMin = 0
    let payload = try #require(Deflate(policy: policy).deflate(message))
    #expect(payload.count > message.count)
    let found = Conversation(
      decoding: [Self.deflated(payload, opcode: 2).bytes], deflate: Deflate())
    let isSame = found.inbound == ["binary \(message)"]
    #expect(isSame)
  }

  // MARK: Deflating

  @Test(arguments: [9, 10, 12, 15], [0, 1])
  func `gives back what was deflated, in any window`(bits: Int, contextsMax: Int) {
    let deflate = Deflate(
      "; server_max_window_bits=\(bits); client_max_window_bits",
      policy: CompressionPolicy(contextsMax: contextsMax))
    #expect(deflate.session.parameters.serverWindowBits <= bits)
    // What a client inflates with, whose window is no larger than agreed.
    let reader = Inflater(windowBits: bits)
    var random = SplitMix64(state: UInt64(bits))
    for count in [256, 257, 1_000, 5_000, 40_000, 200_000] {
      var message: [UInt8] = []
      while message.count < count {
        let word = (0..<Int.random(in: 1...9, using: &random)).map { _ in
          UInt8.random(in: 0x61...0x68, using: &random)
        }
        message += word + [0x20]
      }
      let payload = deflate.deflate(message)!
      #expect(payload.count < message.count * 3 / 4)
      var output = ByteBuffer()
      if !deflate.session.parameters.serverKeepsContext { reader.reset() }
      #expect(throws: Never.self) {
        try payload.withUnsafeBytes {
          try reader.inflate($0, isText: true, bytesMax: 1 << 20, into: &output)
        }
      }
      let isSame = output.bytes.elementsEqual(message)
      #expect(isSame)
    }
  }

  @Test func `leaves small and incompressible messages as they are`() {
    let deflate = Deflate()
    #expect(deflate.deflate([]) == nil)
    #expect(deflate.deflate([UInt8](repeating: 0x61, count: 255)) == nil)
    #expect(deflate.deflate([UInt8](repeating: 0x61, count: 256)) != nil)
    var random = SplitMix64(state: 1)
    let noise = (0..<1_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    #expect(deflate.deflate(noise) == nil)
    // The reader's context has it already.
    #expect(Deflate.keepingContexts.deflate(noise) != nil)
  }

  @Test func `makes a message smaller that resembles the last, where contexts are kept`() {
    let text = Array(#"{"type":"msg","conv":"@alice","seq":17,"body":{"text":"hi"}}"#.utf8)
    var policy = CompressionPolicy(contextsMax: 1)
    policy.messageBytesMin = 16
    let deflate = Deflate(policy: policy)
    let first = deflate.deflate(text)!
    let second = deflate.deflate(text)!
    #expect(second.count * 4 < first.count)
  }

  @Test func `sets RSV1 on a frame with a deflated payload`() {
    var buffer = ByteBuffer()
    Self.hello.withUnsafeBytes { buffer.appendDeflatedFrame(.text, $0) }
    #expect(Array(buffer.bytes) == [0xC1, 0x07] + Self.hello)
  }
}
