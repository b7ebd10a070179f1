import Testing

@testable import WebSocket

/// Frames that break the protocol, and how.
struct Violation: CustomTestStringConvertible, Sendable {
  let bytes: [UInt8]
  let error: ProtocolError
  let code: UInt16

  var testDescription: String { "\(error) \(bytes.prefix(16))" }

  init(_ bytes: [UInt8], _ error: ProtocolError, _ code: UInt16) {
    self.bytes = bytes
    self.error = error
    self.code = code
  }

  init(_ frames: [Frame], _ error: ProtocolError, _ code: UInt16) {
    self.init(frames.flatMap(\.bytes), error, code)
  }

  /// Text in pieces, by default one frame each.
  static func text(_ fragments: [UInt8]...) -> Violation {
    let frames = fragments.enumerated().map { index, payload in
      Frame(
        opcode: index == 0 ? 1 : 0, payload: payload, isFinal: index == fragments.count - 1)
    }
    return Violation(frames, .invalidUTF8, 1007)
  }

  static func close(_ code: UInt16) -> Violation {
    Violation([.close([UInt8(code >> 8), UInt8(code & 0xFF)])], .badCloseCode, 1002)
  }
}

@Suite struct HostileFrameTests {
  static let headers: [Violation] = [
    // The header alone is enough: nothing of the payload is there.
    Violation([0x81, 0x05], .wrongMasking, 1002), Violation([0x82, 0x7E], .wrongMasking, 1002),
    Violation([0xC1], .reservedBits, 1002), Violation([0xA1], .reservedBits, 1002),
    Violation([0x91], .reservedBits, 1002), Violation([0xC9], .reservedBits, 1002),
    Violation([0x83], .unknownOpcode, 1002), Violation([0x87], .unknownOpcode, 1002),
    Violation([0x8B], .unknownOpcode, 1002), Violation([0x8F], .unknownOpcode, 1002),
    Violation([0x09], .badControlFrame, 1002), Violation([0x08], .badControlFrame, 1002),
    Violation([0x89, 0xFE], .badControlFrame, 1002),
    Violation([0x88, 0xFF], .badControlFrame, 1002),
    Violation([0x81, 0xFE, 0, 125], .badLength, 1002),
    Violation([0x81, 0xFE, 0, 0], .badLength, 1002),
    Violation([0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], .badLength, 1002),
    Violation([0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], .badLength, 1002),
    Violation([0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .badLength, 1002),
    Violation([0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1], .messageTooBig, 1009),
    Violation([0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .messageTooBig, 1009),
    Violation([0x80], .outOfOrder, 1002), Violation([0x00], .outOfOrder, 1002),
  ]

  static let sequences: [Violation] = [
    Violation([.more("a")], .outOfOrder, 1002),
    Violation([.text("a"), .more("b")], .outOfOrder, 1002),
    Violation([.text("a", isFinal: false), .text("b")], .outOfOrder, 1002),
    Violation([.text("a", isFinal: false), .binary([1])], .outOfOrder, 1002),
    Violation(
      [.text("a", isFinal: false)] + Array(repeating: .more("b", isFinal: false), count: 128),
      .tooManyFragments, 1008),
    Violation(
      [.text(String(repeating: "a", count: 40_000), isFinal: false)]
        + [.more(String(repeating: "b", count: 25_537))], .messageTooBig, 1009),
    Violation([.close([0x03])], .badCloseCode, 1002),
    Violation([.close([0x03, 0xE8, 0xFF])], .invalidUTF8, 1007),
    Violation([.close([0x03, 0xE8, 0xE2, 0x82])], .invalidUTF8, 1007),
  ]

  static let codes: [Violation] = [
    0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
  ].map(Violation.close)

  static let texts: [Violation] = [
    .text([0x80]), .text([0xC0, 0xAF]), .text([0xED, 0xA0, 0x80]), .text([0xF4, 0x90]),
    .text([0x61, 0xE2, 0x82]), .text([0xE2], [0x82]), .text([0xE2], [0x41]),
    .text([0xE2], [], [0x41]),
    .text(Array(repeating: 0x61, count: 40) + [0xFF]),
  ]

  static let all = [headers, sequences, codes, texts].joined()

  @Test(arguments: all)
  func `fails the connection with its code`(violation: Violation) {
    let found = Conversation(decoding: [violation.bytes])
    #expect(found.error == violation.error)
    #expect(found.error?.closeCode.rawValue == violation.code)
  }

  /// The largest inputs are cut into single bytes only: every cut of them takes too long.
  @Test(arguments: all)
  func `fails alike however it is cut`(violation: Violation) {
    let bytes = violation.bytes
    for cut in bytes.count < 1_000 ? everyCut(bytes) : [bytes.map { [$0] }] {
      #expect(Conversation(decoding: cut).error == violation.error)
    }
  }

  @Test(arguments: all)
  func `drops what follows a violation`(violation: Violation) {
    let more = Frame.text("more").bytes
    let found = Conversation(decoding: [violation.bytes, more], stopsAtError: false)
    #expect(found.error == violation.error)
    #expect(!found.inbound.contains("text more"))
    #expect(!found.isMidway)
  }

  @Test(arguments: headers)
  func `fails at the last byte of the header, before memory is claimed`(violation: Violation) {
    let found = Conversation(decoding: [violation.bytes.dropLast()])
    #expect(found.error == nil)
    #expect(!Conversation(decoding: [violation.bytes]).holdsBuffer)
  }

  @Test(
    arguments: [
      [0xF4, 0x90, 0x80, 0x80], [0x61, 0xFF, 0x61, 0x61], [0xED, 0xA0, 0x80, 0x61],
    ] as [[UInt8]])
  func `fails at the second byte of a text, not at its end`(payload: [UInt8]) {
    let frame = Frame(opcode: 1, payload: payload)
    let header = frame.header.count
    #expect(Conversation(decoding: [Array(frame.bytes[..<(header + 1)])]).error == nil)
    #expect(Conversation(decoding: [Array(frame.bytes[..<(header + 2)])]).error == .invalidUTF8)
  }

  @Test func `allows exactly the limits`() {
    let limits = MessageLimits(messageBytesMax: 200, fragmentsMax: 3)
    let text = String(repeating: "a", count: 200)
    #expect(Conversation([.text(text)], limits: limits).inbound == ["text \(text)"])
    #expect(Conversation([.text(text + "a")], limits: limits).error == .messageTooBig)
    let three: [Frame] = [.text("a", isFinal: false), .more("b", isFinal: false), .more("c")]
    #expect(Conversation(three + three, limits: limits).inbound == ["text abc", "text abc"])
    let four: [Frame] = [.text("a", isFinal: false), .more("b", isFinal: false)]
    #expect(
      Conversation(four + [.more("c", isFinal: false), .more("d")], limits: limits).error
        == .tooManyFragments)
  }

  @Test func `refuses a masked frame from a server`() {
    #expect(
      Conversation(decoding: [Frame.text("a").bytes], role: .client).error == .wrongMasking)
  }

  @Test func `survives random bytes and random edits, alike in every cut`() {
    var random = SplitMix64(state: 11)
    let seed = MessageDecoderTests.conversations.flatMap { $0.0 }.flatMap(\.bytes)
    for _ in 0..<2_000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      let cut = Int.random(in: 0..<bytes.count, using: &random)
      let whole = Conversation(decoding: [bytes])
      let parts = Conversation(decoding: [Array(bytes[..<cut]), Array(bytes[cut...])])
      #expect(whole.inbound == parts.inbound)
      #expect(whole.error == parts.error)
    }
  }
}
