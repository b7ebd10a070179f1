import ChatProtocol
import Testing

@testable import ChatCore

@Suite
struct HoleTests {
  private func message(_ sequence: UInt64) -> Message {
    Message(
      conversation: ConversationID(direct: alice, bob), sequence: sequence, sender: bob,
      clientID: "c\(sequence)", timestamp: 0, body: [], reference: nil)
  }

  @Test
  func `holds the lowest messages, each once, and remembers the highest number`() {
    var hole = Hole()
    var held = 0
    for sequence: UInt64 in [9, 5, 7, 5, 8, 3, 9] {
      held += hole.hold(message(sequence), origin: nil, max: 3)
    }
    #expect(held == 3)
    #expect(hole.held.map(\.message.sequence) == [3, 5, 7])
    #expect(hole.target == 9)
    #expect(hole.takeLowest(upTo: 2) == nil)
    #expect(hole.takeLowest(upTo: 3)?.message.sequence == 3)
    #expect(hole.lowestHeld == 5)
  }

  @Test
  func `remembers who sent what is held and what is not`() {
    var hole = Hole()
    let sender = SessionID(value: 7)
    for sequence: UInt64 in [4, 6, 8] {
      _ = hole.hold(message(sequence), origin: sender, max: 2)
    }
    _ = hole.hold(message(5), origin: nil, max: 2)
    #expect(hole.held.map(\.message.sequence) == [4, 5])
    #expect([4, 5, 6, 8].map { hole.origin(of: $0) } == [sender, nil, sender, sender])
    hole.wasClosed(upTo: 6)
    #expect(hole.origin(of: 6) == nil)
    #expect(hole.origin(of: 8) == sender)
  }
}
