import ChatProtocol
import Testing

@testable import ChatCore

@Suite
struct ConversationCursorsTests {
  @Test
  func `keeps the same as a dictionary`() {
    var random = RandomSource(seed: 5)
    var cursors = ConversationCursors()
    var expected: [ConversationID: UInt64] = [:]
    for _ in 0..<1_000 {
      let conversation = ConversationID(key: "a:\(Int.random(in: 0..<100, using: &random))")
      let sequence = random.next()
      let hasForgotten = cursors.set(conversation, to: sequence, max: 1_000)
      #expect(!hasForgotten)
      expected[conversation] = sequence
    }
    for (conversation, sequence) in expected { #expect(cursors[conversation] == sequence) }
    #expect(cursors[ConversationID(key: "b")] == nil)
    #expect(cursors.count == expected.count)
  }

  @Test(arguments: ["a", "c", "e"])
  func `forgets another one when full, and stays in order`(_ key: String) {
    var cursors = ConversationCursors(
      ["d", "b"].map { .init(conversation: ConversationID(key: $0), sequence: 1) })
    let hasForgotten = cursors.set(ConversationID(key: key), to: 2, max: 2)
    #expect(hasForgotten)
    #expect(cursors.count == 2)
    #expect(cursors[ConversationID(key: key)] == 2)
    #expect(cursors.entries.map(\.conversation) == cursors.entries.map(\.conversation).sorted())
  }
}
