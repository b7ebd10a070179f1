import ChatCore
import ChatProtocol
import Testing

/// The contract of `MessageStore` about entries that change others.
@Suite struct MessageStoreRevisionTests {
  private func edit(
    _ target: UInt64?, from sender: String = "alice", to other: String = "bob", cid: String,
    text: String = "new"
  ) -> StoreRequest.Operation {
    .append(draft(from: sender, to: other, cid: cid, text: text, reference: target).kind(.edit))
  }

  private func delete(
    _ target: UInt64?, from sender: String = "alice", to other: String = "bob", cid: String
  ) -> StoreRequest.Operation {
    .append(draft(from: sender, to: other, cid: cid, reference: target).kind(.delete))
  }

  private func react(
    _ target: UInt64?, from sender: String = "alice", to other: String = "bob", cid: String
  ) -> StoreRequest.Operation {
    .append(draft(from: sender, to: other, cid: cid, reference: target).kind(.react))
  }

  @Test(arguments: StoreKind.allCases)
  func `makes a conversation with what is kept, not with what is refused`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      #expect(await store.ask(edit(1, to: "dan", cid: "1")) == .refused(.notFound))
      #expect(try database.conversationCount() == 0)
      let used = draft(cid: "1")
      #expect(await store.ask(.append(used)) == .stored(1))
      let refused: [[StoreRequest.Operation]] = [
        [.append(draft(to: "eve", cid: "1"))],
        [.append(draft(to: "eve", cid: "1")), react(1, to: "eve", cid: "2")],
        [delete(1, to: "eve", cid: "2"), edit(1, to: "fay", cid: "3")],
      ]
      let expected: [[StoreReply.Result]] = [
        [.conflict], [.conflict, .refused(.notFound)],
        [.refused(.notFound), .refused(.notFound)],
      ]
      for (operations, results) in zip(refused, expected) {
        #expect(await store.ask(operations) == results)
        #expect(try database.conversationCount() == 1)
      }
      // Among others that are kept, and between them by key.
      let results = await store.ask([
        .append(draft(to: "abe", cid: "4")), .append(draft(to: "bab", cid: "1")),
        .append(draft(to: "gil", cid: "5")), .append(used), .append(draft(to: "gil", cid: "6")),
      ])
      #expect(
        results == [.stored(1), .conflict, .stored(1), .stored(1, again: true), .stored(2)])
      let judged = await store.ask([
        .append(draft(to: "abe", cid: "7")), edit(1, to: "bab", cid: "8"),
        edit(1, to: "gil", cid: "9"), .append(draft(to: "hal", cid: "10")),
        react(1, to: "hal", cid: "11"),
      ])
      #expect(
        judged == [.stored(2), .refused(.notFound), .stored(3), .stored(1), .stored(2)])
      #expect(try database.conversationCount() == 4)
      for (peer, count) in [("bob", 1), ("abe", 2), ("gil", 3), ("hal", 2)] {
        let log = await store.history(draft(to: peer, cid: "").conversation)
        #expect(log.map(\.sequence) == (1...count).map { UInt64($0) })
      }
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `reads an edited message with its last body`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let results = await store.ask([
        .append(draft(cid: "1", text: "a")), edit(1, cid: "2", text: "b"),
        edit(1, cid: "3", text: "c"), .append(draft(cid: "1", text: "a")),
        .append(draft(cid: "1", text: "c")), edit(1, cid: "2", text: "b"),
        edit(1, cid: "2", text: "c"),
        .append(draft(cid: "2", text: "b", reference: 1)),
      ])
      #expect(
        results == [
          .stored(1), .stored(2), .stored(3), .stored(1, again: true), .conflict,
          .stored(2, again: true), .conflict, .conflict,
        ])
      let log = await store.history(draft(cid: "").conversation)
      #expect(log.map(\.text) == ["c", "b", "c"])
      #expect(log.map(\.kind) == [.message, .edit, .edit])
      #expect(log.map(\.reference) == [nil, 1, 1])
      #expect(log.map(\.revision) == [.edited(by: 3), nil, nil])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `takes bodies of a deleted message and of its edits away`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      _ = await store.ask([
        .append(draft(cid: "1", text: "a")), edit(1, cid: "2", text: "b"),
        .append(draft(cid: "3", text: "a")), edit(3, cid: "4", text: "b"),
        react(1, from: "bob", to: "alice", cid: "1"), edit(1, cid: "5", text: "c"),
      ])
      #expect(await store.ask(delete(1, cid: "6")) == .stored(7))
      let log = await store.history(draft(cid: "").conversation)
      #expect(
        log.map(\.body.text)
          == [
            "{}", "{}", #"{"text":"b"}"#, #"{"text":"b"}"#, #"{"text":"hi"}"#, "{}",
            #"{"text":"hi"}"#,
          ])
      #expect(
        log.map(\.revision) == [
          .deleted(by: 7), .deleted(by: 7), .edited(by: 4), nil, nil, .deleted(by: 7), nil,
        ])
      // What was deleted is there no more, and a repeated send can only be told by its kind.
      let results = await store.ask([
        edit(1, cid: "7"), delete(1, cid: "8"), react(1, cid: "9"), delete(1, cid: "6"),
        .append(draft(cid: "1", text: "a")), edit(1, cid: "2", text: "b"), edit(3, cid: "2"),
        .append(draft(cid: "1", text: "a", reference: 1)), edit(2, cid: "7"),
      ])
      #expect(
        results == [
          .refused(.notFound), .refused(.notFound), .refused(.notFound), .stored(7, again: true),
          .stored(1, again: true), .stored(2, again: true), .conflict, .conflict,
          .refused(.notFound),
        ])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `lets the sender edit and delete, and nobody else`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let results = await store.ask([
        edit(1, cid: "0"), .append(draft(cid: "1")),
        edit(1, from: "bob", to: "alice", cid: "1"), delete(1, from: "bob", to: "alice", cid: "2"),
        react(1, from: "bob", to: "alice", cid: "3"), edit(9, cid: "4"), edit(nil, cid: "5"),
        react(.max, cid: "5"), edit(2, from: "bob", to: "alice", cid: "5"),
        .append(draft(cid: "6").kind(.room)), delete(1, to: "carol", cid: "7"),
        edit(0, cid: "8"), edit(1, cid: "9"),
      ])
      #expect(
        results == [
          .refused(.notFound), .stored(1), .refused(.forbidden), .refused(.forbidden), .stored(2),
          .refused(.notFound), .refused(.notFound), .refused(.notFound), .refused(.notFound),
          .refused(.forbidden), .refused(.notFound), .refused(.notFound), .stored(3),
        ])
      #expect(await store.states(of: "carol").isEmpty)
      #expect(await store.ask(.append(draft(to: "carol", cid: "10"))) == .stored(1))
      #expect(await store.states(of: "carol").map(\.head) == [1])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `lets moderators of a room delete for others`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      _ = await store.ask([
        change(.create(.open, members: users("bob", "carol")), by: "alice", cid: "1"),
        change(.setRole(user("bob"), .moderator), by: "alice", cid: "2"),
        .append(entry(from: "alice", cid: "3")), .append(entry(from: "carol", cid: "4")),
      ])
      let results = await store.ask([
        .append(entry(.delete, from: "carol", cid: "5", reference: 3)),
        .append(entry(.edit, from: "bob", cid: "5", reference: 3)),
        .append(entry(.delete, from: "bob", cid: "6", reference: 3)),
        .append(entry(.delete, from: "bob", cid: "7", reference: 1)),
        .append(entry(.delete, from: "dave", cid: "8", reference: 4)),
        .append(entry(.delete, from: "carol", cid: "9", reference: 4)),
      ])
      #expect(
        results == [
          .refused(.forbidden), .refused(.forbidden), .stored(5), .refused(.notFound),
          .refused(.notFound), .stored(6),
        ])
      let log = await store.history(room())
      #expect(
        log.map(\.revision) == [nil, nil, .deleted(by: 5), .deleted(by: 6), nil, nil])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `keeps the order of messages and what changes them in one batch`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      var batch: [StoreRequest.Operation] = []
      for round in 0..<20 {
        let first = UInt64(round * 4) + 1
        batch += [
          .append(draft(cid: "m\(round)")), edit(first, cid: "e\(round)"),
          delete(first, cid: "d\(round)"), edit(first, cid: "f\(round)"),
          .append(draft(to: "carol", cid: "c\(round)")),
          react(first, from: "bob", to: "alice", cid: "r\(round)"),
          .append(draft(from: "bob", to: "alice", cid: "n\(round)")),
        ]
      }
      let results = await store.ask(batch)
      for round in 0..<20 {
        let first = UInt64(round * 4) + 1
        let expected: [StoreReply.Result] = [
          .stored(first), .stored(first + 1), .stored(first + 2), .refused(.notFound),
          .stored(UInt64(round) + 1), .refused(.notFound), .stored(first + 3),
        ]
        #expect(Array(results[(round * 7)..<(round * 7 + 7)]) == expected)
      }
    }
  }
}

extension Message {
  /// What a draft of the tests has as its text.
  fileprivate var text: String {
    String(String(decoding: body, as: UTF8.self).dropFirst(9).dropLast(2))
  }
}

extension [UInt8] {
  fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
