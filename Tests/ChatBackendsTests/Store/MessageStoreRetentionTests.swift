import ChatCore
import ChatProtocol
import Testing

private let day: Timestamp = 86_400_000

/// The contract of `MessageStore` about what has been kept for long enough.
@Suite struct MessageStoreRetentionTests {
  private func remove(
    keptSince: Timestamp, now: Timestamp = 0, limit: Int = 500
  ) -> StoreRequest.Operation {
    .removeExpired(keptSince: keptSince, now: now, limit: limit)
  }

  /// Messages of alice to bob, one a millisecond, the first at 1,001.
  private func write(_ count: Int, in store: some MessageStore, to other: String = "bob") async {
    let results = await store.ask(
      (1...count).map {
        .append(draft(to: other, cid: "\(other)-\($0)", at: 1_000 + Timestamp($0)))
      })
    #expect(results.allSatisfy { $0.isStoredAnew })
  }

  private func log(
    _ conversation: ConversationID, in store: some MessageStore
  ) async -> StoreReply.Result {
    let result = await store.ask(
      .messages(in: conversation, after: 0, before: .max, limit: 100, fromStart: true))
    return result
  }

  @Test(arguments: StoreKind.allCases)
  func `removes what is older, and tells up to where`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      await write(9, in: store)
      await write(2, in: store, to: "carol")
      #expect(await store.ask(remove(keptSince: 1_001)) == .removed(count: 0, isDone: true))
      #expect(await store.ask(remove(keptSince: 1_005)) == .removed(count: 6, isDone: true))
      let bob = draft(cid: "").conversation
      #expect(await store.history(bob).map(\.sequence) == [5, 6, 7, 8, 9])
      let carol = draft(to: "carol", cid: "").conversation
      #expect(await log(carol, in: store) == .messages([], lowWaterMark: 2))
      let states = await store.states(of: "alice")
      #expect(states.map(\.head) == [9, 2])
      #expect(states.map(\.lowWaterMark) == [4, 2])
      let page = await store.ask(
        .messages(in: bob, after: 2, before: 7, limit: 2, fromStart: false))
      guard case .messages(let messages, lowWaterMark: 4) = page else {
        Issue.record("\(page)")
        return
      }
      #expect(messages.map(\.sequence) == [5, 6])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `goes on with numbers, times and marks where they were`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      await write(3, in: store)
      let bob = draft(cid: "").conversation
      let mark = StoreRequest.Operation.mark(user("bob"), in: bob, received: 2, read: 1)
      #expect(await store.ask(mark) == .marked(received: 2, read: 1))
      #expect(await store.ask(remove(keptSince: 5_000)) == .removed(count: 3, isDone: true))
      #expect(await store.ask(mark) == .marked(received: 2, read: 1))
      let results = await store.ask([
        .append(draft(cid: "new", at: 1_000)), .append(draft(cid: "newer", at: 1_010)),
      ])
      #expect(results == [.stored(4, at: 1_003), .stored(5, at: 1_010)])
      // What came after is old in its turn, and what was removed stays so.
      #expect(await store.ask(remove(keptSince: 1_003)) == .removed(count: 0, isDone: true))
      #expect(await store.ask(remove(keptSince: 1_010)) == .removed(count: 1, isDone: true))
      #expect(await store.states(of: "bob").map(\.lowWaterMark) == [4])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `removes at most as many as asked for, the first of a conversation first`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      for other in ["bob", "carol", "dave"] { await write(20, in: store, to: other) }
      var removed = 0
      for round in 1...7 {
        let result = await store.ask(remove(keptSince: 1_018, limit: 8))
        guard case .removed(let count, let isDone) = result else {
          Issue.record("\(result)")
          return
        }
        removed += count
        #expect(count == (round < 7 ? 8 : 3))
        #expect(isDone == (round == 7))
        for state in await store.states(of: "alice") {
          let left = await store.history(state.conversation).map(\.sequence)
          #expect(left == Array(state.lowWaterMark + 1...20))
        }
      }
      #expect(removed == 51)
      #expect(await store.ask(remove(keptSince: 1_018)) == .removed(count: 0, isDone: true))
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `comes to every conversation, also of very many`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      for number in 1...150 { await write(1, in: store, to: "peer\(number)") }
      var removed = 0
      for _ in 1...3 {
        let result = await store.ask(remove(keptSince: 2_000))
        guard case .removed(let count, let isDone) = result else {
          Issue.record("\(result)")
          return
        }
        removed += count
        #expect(isDone == (removed == 150))
      }
      #expect(removed == 150)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `takes a client id as new once its entry is removed, and until then as known`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      await write(2, in: store)
      let first = StoreRequest.Operation.append(draft(cid: "bob-1", at: 1_001))
      let second = StoreRequest.Operation.append(draft(cid: "bob-2", at: 1_002))
      #expect(await store.ask(first) == .stored(1, at: 1_001, again: true))
      #expect(await store.ask(remove(keptSince: 1_002)) == .removed(count: 1, isDone: true))
      let results = await store.ask([first, second, first])
      #expect(
        results == [
          .stored(3, at: 1_002), .stored(2, at: 1_002, again: true),
          .stored(3, at: 1_002, again: true),
        ])
      // Also in another conversation.
      #expect(await store.ask(remove(keptSince: 2_000)) == .removed(count: 2, isDone: true))
      let elsewhere = StoreRequest.Operation.append(draft(to: "carol", cid: "bob-1"))
      #expect(await store.ask([elsewhere, first]) == [.stored(1), .conflict])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `lets nobody refer to what is removed`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      await write(2, in: store)
      let edit = draft(cid: "e", text: "new", reference: 1, at: 2_000).kind(.edit)
      #expect(await store.ask(.append(edit)) == .stored(3, at: 2_000))
      #expect(await store.ask(remove(keptSince: 1_002)) == .removed(count: 1, isDone: true))
      // The edit has its own time.
      #expect(await store.history(edit.conversation).map(\.sequence) == [2, 3])
      let late = [EntryKind.edit, .delete, .react].map { kind in
        StoreRequest.Operation.append(draft(cid: "\(kind)", reference: 1, at: 2_000).kind(kind))
      }
      #expect(await store.ask(late).allSatisfy { $0 == .refused(.notFound) })
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `keeps a room's members, roles and settings`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let results = await store.ask([
        change(.create(.closed, members: users("bob")), by: "alice", cid: "1", at: 1_001),
        change(.setRole(user("bob"), .moderator), by: "alice", cid: "2", at: 1_002),
        change(.invite(users("carol")), by: "bob", cid: "3", at: 1_003),
        .append(entry(from: "carol", cid: "4", at: 1_004)),
      ])
      #expect(results.allSatisfy { $0.isStoredAnew })
      #expect(await store.ask(remove(keptSince: 1_004)) == .removed(count: 3, isDone: true))
      #expect(
        await store.roles(seenBy: "carol")
          == ["alice:owner", "bob:moderator", "carol:member"])
      #expect(await store.seen(by: "alice", in: room()) == [4])
      let state = await store.states(of: "carol").first
      #expect(state?.room?.settings == .closed)
      #expect(state?.room?.since == 2)
      #expect(state?.lowWaterMark == 3)
      #expect(state?.start == 3)
      // The next in succession is known by when she came, though nobody can read of it.
      let leave = change(.leave, by: "alice", cid: "5", at: 1_005)
      #expect(await store.ask(leave) == .stored(5, at: 1_005))
      #expect(await store.roles(seenBy: "carol") == ["bob:owner", "carol:member"])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `keeps a room's entries for as long as the room says, if that is less`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      var settings = RoomSettings.open
      settings.retainDays = 2
      let results = await store.ask([
        change(.create(settings, members: users("bob")), by: "alice", cid: "1", at: 1_001),
        .append(entry(from: "bob", cid: "2", at: 1_002)),
        .append(entry(from: "bob", cid: "3", at: 1_003)),
        .append(draft(cid: "4", at: 1_001)),
      ])
      #expect(results.allSatisfy { $0.isStoredAnew })
      #expect(await store.states(of: "bob").compactMap(\.room?.settings.retainDays) == [2])
      let early = remove(keptSince: 0, now: 1_001 + 2 * day)
      #expect(await store.ask(early) == .removed(count: 0, isDone: true))
      let late = remove(keptSince: 0, now: 1_002 + 2 * day)
      #expect(await store.ask(late) == .removed(count: 1, isDone: true))
      // The server's limit, when that is the shorter one.
      let both = remove(keptSince: 1_003, now: 1_002 + 2 * day)
      #expect(await store.ask(both) == .removed(count: 2, isDone: true))
      // And none of its own any more.
      let reset = RoomSettingsChange(retainDays: 0)
      #expect(
        await store.ask(change(.update(reset), by: "alice", cid: "5", at: 1_004))
          == .stored(4, at: 1_004))
      let much = remove(keptSince: 0, now: 1_002 + 9 * day)
      #expect(await store.ask(much) == .removed(count: 0, isDone: true))
      #expect(await store.seen(by: "bob", in: room()) == [3, 4])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `removes each entry once while two nodes remove and others write`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let stores = [
        try await database.open(node("server1")), try await database.open(node("server2")),
      ]
      let peers = (0..<5).map { "peer\($0)" }
      for peer in peers { await write(100, in: stores[0], to: peer) }
      let removed = await withTaskGroup(of: Int.self) { group in
        for store in stores {
          group.addTask {
            var removed = 0
            for _ in 0..<60 {
              let result = await store.ask(remove(keptSince: 1_101, limit: 20))
              if case .removed(let count, _) = result { removed += count }
            }
            return removed
          }
          group.addTask {
            for round in 0..<40 {
              let results = await store.ask(
                peers.map {
                  .append(draft(to: $0, cid: "\(UInt64.random(in: 0...(.max)))", at: 2_000))
                })
              for result in results { #expect(result.isStoredAnew, "\(round): \(result)") }
            }
            return 0
          }
        }
        return await group.reduce(0, +)
      }
      // Who found the other at it has removed nothing; the rest is removed now.
      var rest = 0
      while case .removed(let count, let isDone) = await stores[0].ask(
        remove(keptSince: 1_101, limit: 20))
      {
        rest += count
        if isDone { break }
      }
      #expect(removed > 0)
      #expect(removed + rest == 500)
      for peer in peers {
        let left = await stores[1].history(draft(to: peer, cid: "").conversation)
        #expect(left.map(\.sequence) == Array(101...180))
      }
    }
  }
}
