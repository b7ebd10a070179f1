import ChatCore
import ChatProtocol
import Testing

/// The contract of `MessageStore` about how far members are.
@Suite struct MessageStoreMarkTests {
  private func mark(
    _ name: String, in conversation: ConversationID, received: UInt64 = 0, read: UInt64 = 0
  ) -> StoreRequest.Operation {
    .mark(user(name), in: conversation, received: received, read: read)
  }

  @Test(arguments: StoreKind.allCases)
  func `raises marks up to the head and never lowers them`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let conversation = draft(cid: "").conversation
      _ = await store.ask((1...9).map { .append(draft(cid: "c\($0)")) })
      let steps: [(received: UInt64, read: UInt64, expected: (UInt64, UInt64))] = [
        (0, 0, (0, 0)), (3, 0, (3, 0)), (2, 1, (3, 1)), (0, 5, (5, 5)), (4, 4, (5, 5)),
        (7, 6, (7, 6)), (.max, 0, (9, 6)), (0, .max, (9, 9)), (1, 1, (9, 9)),
      ]
      for (received, read, expected) in steps {
        let result = await store.ask(
          mark("bob", in: conversation, received: received, read: read))
        #expect(result == .marked(received: expected.0, read: expected.1))
      }
      let states = await store.ask([
        .conversations(of: user("alice"), limit: 1), .conversations(of: user("bob"), limit: 1),
      ])
      #expect(
        states == [
          .conversations([
            ConversationState(
              conversation: conversation, head: 9, received: 0, read: 0,
              peer: PeerMarks(received: 9, read: 9))
          ]),
          .conversations([
            ConversationState(
              conversation: conversation, head: 9, received: 9, read: 9,
              peer: PeerMarks(received: 0, read: 0))
          ]),
        ])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `knows no marks of others than members`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let direct = draft(cid: "").conversation
      #expect(await store.ask(mark("alice", in: direct, read: 1)) == .refused(.notFound))
      #expect(
        await store.ask([
          .append(draft(cid: "1")), mark("carol", in: direct, read: 1),
          mark("alice", in: room(), read: 1),
          change(.create(.open, members: []), by: "alice", cid: "2"),
          mark("bob", in: room(), read: 1), mark("alice", in: room(), read: 1),
        ]) == [
          .stored(1), .refused(.notFound), .refused(.notFound), .stored(1), .refused(.notFound),
          .marked(received: 1, read: 1),
        ])
      #expect(await store.states(of: "alice").first { $0.room != nil }?.read == 1)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `sees marks that came before in the batch`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      for round in UInt64(1)...20 {
        let results = await store.ask([
          .append(draft(cid: "c\(round)")),
          mark("bob", in: draft(cid: "").conversation, read: round),
          .conversations(of: user("bob"), limit: 1), .conversations(of: user("alice"), limit: 1),
        ])
        #expect(results[1] == .marked(received: round, read: round))
        let states = results[2...].map { result -> ConversationState? in
          if case .conversations(let states) = result { states.first } else { nil }
        }
        #expect(states[0]?.read == round)
        #expect(states[1]?.peer == PeerMarks(received: round, read: round))
      }
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `shows a note to oneself without a peer`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let note = draft(to: "alice", cid: "1")
      _ = await store.ask([.append(note), mark("alice", in: note.conversation, read: 1)])
      #expect(
        await store.states(of: "alice")
          == [ConversationState(conversation: note.conversation, head: 1, received: 1, read: 1)])
    }
  }

  /// Those of the only conversation.
  private func unread(by name: String, in store: some MessageStore) async -> UInt64? {
    let states = await store.states(of: name, countsUnread: true)
    #expect(states.count == 1)
    return states.first?.unread
  }

  @Test(arguments: StoreKind.allCases)
  func `counts messages of others above the read mark as unread`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      _ = await store.ask([
        change(.create(.open, members: users("bob")), by: "alice", cid: "1"),
        .append(entry(from: "alice", cid: "2")), .append(entry(from: "bob", cid: "3")),
        .append(entry(.edit, from: "alice", cid: "4", reference: 2)),
        .append(entry(.react, from: "alice", cid: "5", reference: 3)),
        .append(entry(from: "alice", cid: "6")), .append(entry(from: "alice", cid: "7")),
        .append(entry(.delete, from: "alice", cid: "8", reference: 7)),
        change(.join, by: "carol", cid: "9"),
      ])
      #expect(await unread(by: "alice", in: store) == 1)
      #expect(await unread(by: "bob", in: store) == 2)
      #expect(await unread(by: "carol", in: store) == 3)
      for (read, left) in [(2, 1), (5, 1), (6, 0), (9, 0)] as [(UInt64, UInt64)] {
        _ = await store.ask(mark("bob", in: room(), read: read))
        #expect(await unread(by: "bob", in: store) == left)
      }
      #expect(await store.states(of: "carol").map(\.unread) == [0])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `counts as unread what is kept and the member may see`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      _ = await store.ask(
        [change(.create(.closed, members: []), by: "alice", cid: "1")]
          + (2...4).map { .append(entry(from: "alice", cid: "\($0)")) }
          + [change(.invite(users("bob")), by: "alice", cid: "5", at: 2_000)]
          + (6...8).map {
            .append(entry(from: "alice", cid: "\($0)", at: 1_000 * Timestamp($0)))
          })
      #expect(await unread(by: "bob", in: store) == 3)
      _ = await store.ask(.removeExpired(keptSince: 7_000, now: 0, limit: 500))
      #expect(await unread(by: "bob", in: store) == 2)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `looks at the newest 200 entries for what is unread`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let alices = (1...205).map { draft(cid: "\($0)") }
      let bobs = (1...150).map { draft(from: "bob", to: "alice", cid: "\($0)") }
      _ = await store.ask(alices.prefix(200).map { .append($0) })
      #expect(await unread(by: "bob", in: store) == 200)
      _ = await store.ask(alices.suffix(5).map { .append($0) })
      #expect(await unread(by: "bob", in: store) == 200)
      _ = await store.ask(bobs.map { .append($0) })
      #expect(await unread(by: "bob", in: store) == 50)
      #expect(await unread(by: "alice", in: store) == 150)
      _ = await store.ask(mark("bob", in: draft(cid: "").conversation, read: 156))
      #expect(await unread(by: "bob", in: store) == 49)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `keeps the highest of marks that two nodes make at once`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let stores = [
        try await database.open(node("server1")), try await database.open(node("server2")),
      ]
      let rooms = (0..<10).map { "room\($0)" }
      for name in rooms {
        _ = await stores[0].ask(
          [change(.create(.open, members: users("bob")), by: "alice", in: name, cid: name)]
            + (1...19).map { .append(entry(from: "alice", in: name, cid: "\(name)-\($0)")) })
      }
      await withTaskGroup(of: Void.self) { group in
        for number in 0..<8 {
          group.addTask {
            let order = number.isMultiple(of: 2) ? rooms : rooms.reversed()
            for read in 1...20 {
              let results = await stores[number % 2].ask(
                order.flatMap { name in
                  ["alice", "bob"].map { mark($0, in: room(name), read: UInt64(read)) }
                })
              for case .marked(let received, let marked) in results {
                #expect(marked >= UInt64(read) && received >= marked)
              }
              #expect(!results.contains(.unavailable))
            }
          }
        }
      }
      #expect(await stores[1].states(of: "bob").map(\.read) == rooms.map { _ in 20 })
    }
  }
}
