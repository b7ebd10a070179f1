import ChatProtocol
import Testing

@testable import ChatCore

@Suite struct ToldMarksTests {
  private let alices = MarkKey(user: alice, conversation: ConversationID(direct: alice, bob))
  private let bobs = MarkKey(user: bob, conversation: ConversationID(direct: alice, bob))
  private var marks = ToldMarks(countMax: 2, ageMax: .seconds(60))

  private mutating func raise(
    _ key: MarkKey, _ received: UInt64, _ read: UInt64, now: Int64 = 0
  ) -> [UInt64] {
    let told = marks.raise(PeerMarks(received: received, read: read), of: key, now: now)
    return told.map { [$0.received, $0.read] } ?? []
  }

  @Test mutating func `marks that rise are told, and the same again`() {
    #expect(raise(alices, 3, 1) == [3, 1])
    #expect(raise(alices, 3, 1) == [3, 1])
    #expect(raise(alices, 4, 1) == [4, 1])
    #expect(raise(bobs, 2, 2) == [2, 2])
  }

  @Test mutating func `marks that were overtaken are not told, or only what is news in them`() {
    _ = raise(alices, 5, 3)
    #expect(raise(alices, 4, 2) == [])
    #expect(raise(alices, 5, 2) == [])
    #expect(raise(alices, 6, 2) == [6, 3])
    #expect(raise(alices, 4, 4) == [6, 4])
  }

  @Test mutating func `marks are kept for at least their time and no longer than twice that`() {
    _ = raise(alices, 5, 5)
    #expect(raise(alices, 4, 4, now: .seconds(59)) == [])
    #expect(raise(bobs, 1, 1, now: .seconds(60)) == [1, 1])
    #expect(raise(alices, 4, 4, now: .seconds(61)) == [])
    // What was looked up is young again.
    #expect(raise(alices, 4, 4, now: .seconds(121)) == [])
    #expect(raise(alices, 4, 4, now: .seconds(241)) == [4, 4])
    #expect(marks.count == 1)
  }

  @Test mutating func `there are never more than two generations`() {
    for number in 0..<100 {
      let user = UserID("u\(number)")!
      _ = raise(MarkKey(user: user, conversation: ConversationID(room: "lobby")), 1, 1)
      #expect(marks.count <= 4)
    }
  }
}
