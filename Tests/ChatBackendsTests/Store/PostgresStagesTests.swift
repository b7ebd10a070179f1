import ChatCore
import ChatProtocol
import Testing

@testable import ChatBackends

/// Which appends of a group may be stored by one statement.
@Suite struct PostgresStagesTests {
  private func stages(_ drafts: [Draft]) -> [Int32] {
    var plan = PostgresStages()
    return drafts.map { plan.stage(of: $0) }
  }

  private func revision(_ kind: EntryKind, of target: UInt64, to other: String = "bob") -> Draft {
    draft(
      to: other, cid: "\(kind)-\(target)-\(other)-\(UInt64.random(in: 0...(.max)))",
      reference: target
    ).kind(kind)
  }

  @Test func `takes messages together`() {
    let drafts = (0..<9).map { draft(to: "peer\($0 % 2)", cid: "\($0)", reference: 1) }
    #expect(stages(drafts).allSatisfy { $0 == 1 })
  }

  @Test func `puts what revises behind the messages of its conversation`() {
    let drafts = [
      draft(cid: "1"), revision(.react, of: 1), revision(.react, of: 1), draft(cid: "2"),
      revision(.edit, of: 2), revision(.react, of: 9, to: "carol"), draft(to: "carol", cid: "3"),
    ]
    #expect(stages(drafts) == [1, 2, 2, 2, 3, 1, 1])
  }

  @Test func `puts what revises behind edits and deletions of the same message`() {
    let drafts = [
      revision(.react, of: 1), revision(.edit, of: 1), revision(.edit, of: 2),
      revision(.edit, of: 1), revision(.delete, of: 2), revision(.react, of: 2),
      revision(.react, of: 3),
    ]
    #expect(stages(drafts) == [1, 1, 1, 2, 2, 3, 3])
  }

  @Test func `puts a client id that comes again behind the first`() {
    let drafts = [
      draft(cid: "1"), draft(cid: "1"), draft(to: "carol", cid: "1"), draft(to: "carol", cid: "2"),
      draft(from: "bob", to: "alice", cid: "1"),
    ]
    #expect(stages(drafts) == [1, 2, 3, 3, 2])
  }
}
