import Bytes
import Testing

@testable import WebSocket

@Suite struct MessageDecoderTests {
  static let conversations: [([Frame], [String])] = [
    ([.text("hello")], ["text hello"]),
    ([.text("")], ["text "]),
    ([.text("κόσμε €𐍈")], ["text κόσμε €𐍈"]),
    ([.binary([0xFF, 0, 1])], ["binary [255, 0, 1]"]),
    ([.text("a"), .text("b"), .ping("p"), .text("c")], ["text a", "text b", "ping p", "text c"]),
    ([.text("a", isFinal: false), .more("b", isFinal: false), .more("c")], ["text abc"]),
    ([.text("", isFinal: false), .more("", isFinal: false), .more("")], ["text "]),
    (
      [.text("", isFinal: false), .ping("1"), .more("c"), .text("d")],
      ["ping 1", "text c", "text d"]
    ),
    (
      [.text("a", isFinal: false), .ping("1"), .more("b", isFinal: false), .ping("2"), .more("c")],
      ["ping 1", "ping 2", "text abc"]
    ),
    (
      [
        Frame(opcode: 1, payload: [0xE2], isFinal: false),
        Frame(opcode: 0, payload: [0x82, 0xAC]),
      ], ["text €"]
    ),
    ([.ping(String(repeating: "p", count: 125))], ["ping " + String(repeating: "p", count: 125)]),
    ([Frame(opcode: 10)], ["pong "]),
    ([.close([])], ["close - "]),
    ([.close([0x03, 0xE8] + Array("bye".utf8))], ["close 1000 bye"]),
    ([.close([0x0F, 0xA0])], ["close 4000 "]),
    (
      [.text(String(repeating: "x", count: 126)), .text(String(repeating: "y", count: 300))],
      ["text " + String(repeating: "x", count: 126), "text " + String(repeating: "y", count: 300)]
    ),
  ]

  @Test(arguments: conversations)
  func `decodes alike however the input is cut`(frames: [Frame], inbound: [String]) {
    let bytes = frames.flatMap(\.bytes)
    for cut in [[bytes]] + everyCut(bytes) {
      let found = Conversation(decoding: cut)
      #expect(found.inbound == inbound)
      #expect(found.error == nil)
      #expect(!found.isMidway)
    }
  }

  @Test(arguments: conversations)
  func `takes a server's frames unmasked`(frames: [Frame], inbound: [String]) {
    let bytes = frames.flatMap { frame in
      var frame = frame
      frame.key = nil
      return frame.bytes
    }
    for cut in [[bytes]] + everyCut(bytes) {
      #expect(Conversation(decoding: cut, role: .client).inbound == inbound)
    }
  }

  @Test(arguments: [1, 7, 8, 125, 126, 1_000, 65_535, 65_536, 100_000])
  func `decodes a message of any length in pieces of any length`(length: Int) {
    var random = SplitMix64(state: UInt64(length))
    let payload = (0..<length).map { _ in UInt8.random(in: 0...127, using: &random) }
    let bytes = Frame(opcode: 2, payload: payload).bytes + Frame.ping("p").bytes
    let limits = MessageLimits(messageBytesMax: 100_000)
    let whole = Conversation(decoding: [bytes], limits: limits)
    #expect(whole.inbound == ["binary \(payload)", "ping p"])
    for size in [3, 64, 4_096] where bytes.count / size < 4_000 {
      let pieces = stride(from: 0, to: bytes.count, by: size).map { start in
        Array(bytes[start..<min(start + size, bytes.count)])
      }
      #expect(Conversation(decoding: pieces, limits: limits) == whole)
    }
  }

  @Test func `holds memory only while a message is unfinished`() {
    let start = Conversation([.text("a", isFinal: false)])
    #expect(start.isMidway && start.holdsBuffer)
    let pinged = Conversation([.text("a", isFinal: false), .ping("p")])
    #expect(pinged.isMidway && pinged.holdsBuffer)
    let ended = Conversation([.text("a", isFinal: false), .more("b")])
    #expect(!ended.isMidway && !ended.holdsBuffer)
    for cut in everyCut(
      [Frame.text("", isFinal: false), .ping("pong"), .more("c")].flatMap(\.bytes))
    {
      #expect(!Conversation(decoding: cut).holdsBuffer)
    }
    #expect(Conversation(decoding: [[0x81]]).isMidway)
  }

  @Test func `is small enough for a hundred thousand of them`() {
    #expect(MemoryLayout<MessageDecoder>.size <= 80)
  }

  @Test func `gives back what random frames carried`() {
    var random = SplitMix64(state: 42)
    for _ in 0..<300 {
      var frames: [Frame] = []
      var expected: [String] = []
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        let count = Int.random(in: 0...400, using: &random)
        let payload = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        expected.append("binary \(payload)")
        var rest = payload[...]
        var opcode: UInt8 = 2
        while Bool.random(using: &random) {
          let part = rest.prefix(Int.random(in: 0...100, using: &random))
          rest = rest.dropFirst(part.count)
          frames.append(Frame(opcode: opcode, payload: Array(part), isFinal: false))
          opcode = 0
        }
        frames.append(Frame(opcode: opcode, payload: Array(rest)))
      }
      for index in frames.indices {
        frames[index].key = (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
      }
      let bytes = frames.flatMap(\.bytes)
      let cut = Int.random(in: 0...bytes.count, using: &random)
      let limits = MessageLimits(fragmentsMax: 1_000)
      let pieces = [Array(bytes[..<cut]), Array(bytes[cut...])]
      #expect(Conversation(decoding: [bytes], limits: limits).inbound == expected)
      #expect(Conversation(decoding: pieces, limits: limits).inbound == expected)
    }
  }
}
