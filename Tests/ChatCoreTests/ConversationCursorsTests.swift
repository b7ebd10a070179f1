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
    #expect(Set(cursors.entries.map(\.conversation)) == Set(expected.keys))
  }

  @Test(arguments: 0...4)
  func `advances by one, where it stands`(_ count: Int) {
    let keys = ["d", "b", "a", "c"].prefix(count)
    var cursors = ConversationCursors(
      keys.map { .init(conversation: ConversationID(key: $0), sequence: 7) })
    #expect(cursors.count == count)
    for key in ["a", "b", "c", "d"] {
      let conversation = ConversationID(key: key)
      let isHere = keys.contains(key)
      let toNext = [7, 9, 8, 8, 9].map { cursors.advance(conversation, to: $0) }
      #expect(toNext == [false, false, isHere, false, isHere])
      #expect(cursors[conversation] == (isHere ? 9 : nil))
    }
  }

  @Test(arguments: ["a", "c", "e", "g"], 1...3)
  func `forgets another one when full, and finds the rest`(_ key: String, max: Int) {
    let others = ["d", "f", "b"].prefix(max)
    var cursors = ConversationCursors(
      others.map { .init(conversation: ConversationID(key: $0), sequence: 1) })
    let hasForgotten = cursors.set(ConversationID(key: key), to: 2, max: max)
    #expect(hasForgotten)
    #expect(cursors.count == max)
    #expect(cursors[ConversationID(key: key)] == 2)
    let kept = others.filter { cursors[ConversationID(key: $0)] == 1 }
    #expect(kept.count == max - 1)
  }
}
