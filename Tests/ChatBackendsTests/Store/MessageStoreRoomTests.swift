import ChatCore
import ChatProtocol
import Testing

/// The contract of `MessageStore` about rooms; who may do what is in `RoomRulesTests`.
@Suite struct MessageStoreRoomTests {
  @Test(arguments: StoreKind.allCases)
  func `makes a room with its members, told by the first entry`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let created = RoomChange.create(.open, members: users("bob", "carol", "bob", "alice"))
      #expect(await store.ask(change(created, by: "alice", cid: "1")) == .stored(1))
      #expect(
        await store.roles(seenBy: "bob") == ["alice:owner", "bob:member", "carol:member"])
      let log = await store.history(room())
      #expect(
        log == [
          Message(
            conversation: room(), sequence: 1, sender: user("alice"),
            content: MessageContent(clientID: "1", body: created.body), timestamp: 1_000,
            kind: .room, reference: nil)
        ])
      let summary = RoomSummary(role: .member, since: 0, joined: 1, memberCount: 3, settings: .open)
      #expect(
        await store.states(of: "bob")
          == [
            ConversationState(conversation: room(), head: 1, received: 0, read: 0, room: summary)
          ])
      let again = change(.create(.closed, members: []), by: "bob", cid: "1")
      #expect(await store.ask(again) == .refused(.exists))
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `takes messages of members alone`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let results = await store.ask([
        .append(entry(from: "alice", cid: "0")),
        change(.create(.open, members: users("bob")), by: "alice", cid: "1"),
        .append(entry(from: "alice", cid: "2")), .append(entry(from: "carol", cid: "2")),
        .append(entry(from: "bob", cid: "2", at: 1_500)),
        .append(entry(from: "alice", in: "other", cid: "3")),
        change(.join, by: "carol", cid: "4"), .append(entry(from: "carol", cid: "5")),
        change(.leave, by: "bob", cid: "6"), .append(entry(from: "bob", cid: "7")),
        .append(entry(from: "bob", cid: "2")),
      ])
      #expect(
        results == [
          .refused(.notFound), .stored(1), .stored(2), .refused(.notFound), .stored(3, at: 1_500),
          .refused(.notFound), .stored(4, at: 1_500), .stored(5, at: 1_500),
          .stored(6, at: 1_500), .refused(.notFound), .stored(3, at: 1_500, again: true),
        ])
      #expect(await store.history(room()).map(\.sequence) == [1, 2, 3, 4, 5, 6])
      #expect(await store.history(room("other")).isEmpty)
      #expect(await store.states(of: "bob").isEmpty)
      #expect(await store.states(of: "carol").map(\.head) == [6])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `shows of a private room what came since the member did`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      _ = await store.ask([
        change(.create(.closed, members: users("bob")), by: "alice", cid: "1"),
        .append(entry(from: "alice", cid: "2")),
        change(.invite(users("carol")), by: "alice", cid: "3"),
        .append(entry(from: "bob", cid: "4")),
      ])
      #expect(await store.seen(by: "bob", in: room()) == [1, 2, 3, 4])
      #expect(await store.seen(by: "carol", in: room()) == [3, 4])
      #expect(await store.seen(by: "dave", in: room()) == nil)
      #expect(await store.seen(by: "dave", in: room("nowhere")) == nil)
      #expect(await store.roles(seenBy: "dave") == nil)
      #expect(await store.states(of: "carol").first?.room?.since == 2)
      // What carol cannot see is not there for an entry of hers.
      let results = await store.ask([
        .append(entry(.react, from: "carol", cid: "5", reference: 2)),
        .append(entry(.react, from: "carol", cid: "6", reference: 4)),
        change(.update(RoomSettingsChange(isPublic: true)), by: "alice", cid: "7"),
        .append(entry(.react, from: "carol", cid: "5", reference: 2)),
      ])
      #expect(results == [.refused(.notFound), .stored(5), .stored(6), .stored(7)])
      #expect(await store.seen(by: "carol", in: room()) == [1, 2, 3, 4, 5, 6, 7])
      _ = await store.ask([
        change(.update(RoomSettingsChange(isPublic: false)), by: "alice", cid: "8"),
        change(.leave, by: "carol", cid: "9"),
        change(.invite(users("carol")), by: "alice", cid: "10"),
      ])
      #expect(await store.seen(by: "carol", in: room()) == [10])
      #expect(await store.seen(by: "alice", in: room()) == Array(1...10))
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `lists members page by page`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let created = RoomChange.create(.open, members: users("d", "b", "c", "e"))
      _ = await store.ask(change(created, by: "a", cid: "1"))
      #expect(await store.roles(seenBy: "c", limit: 2) == ["a:owner", "b:member"])
      #expect(await store.roles(seenBy: "c", after: "b", limit: 2) == ["c:member", "d:member"])
      #expect(await store.roles(seenBy: "c", after: "cc") == ["d:member", "e:member"])
      #expect(await store.roles(seenBy: "c", after: "e") == [])
      #expect(await store.roles(seenBy: "c", limit: 0) == [])
      #expect(await store.roles(seenBy: "f") == nil)
      let direct = StoreRequest.Operation.members(
        of: draft(cid: "").conversation, reader: user("alice"), after: nil, limit: 9)
      #expect(await store.ask([.append(draft(cid: "2")), direct])[1] == .refused(.notFound))
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `makes the one who has been there longest the owner`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      _ = await store.ask([
        change(.create(.open, members: []), by: "alice", cid: "1"),
        change(.join, by: "zoe", cid: "1"), change(.join, by: "bob", cid: "1"),
        change(.leave, by: "alice", cid: "2"),
      ])
      #expect(await store.roles(seenBy: "bob") == ["bob:member", "zoe:owner"])
      _ = await store.ask([
        change(.join, by: "carol", cid: "1"),
        change(.setRole(user("carol"), .moderator), by: "zoe", cid: "2"),
        change(.setRole(user("zoe"), .member), by: "zoe", cid: "3"),
      ])
      #expect(
        await store.roles(seenBy: "bob") == ["bob:member", "carol:owner", "zoe:member"])
      let results = await store.ask([
        change(.setRole(user("bob"), .owner), by: "carol", cid: "4"),
        change(.leave, by: "carol", cid: "5"), change(.leave, by: "zoe", cid: "6"),
        change(.leave, by: "bob", cid: "7"), change(.join, by: "dave", cid: "8"),
      ])
      #expect(results == (8...12).map { .stored($0) })
      #expect(await store.roles(seenBy: "dave") == ["dave:owner"])
      #expect(await store.states(of: "dave").first?.room?.memberCount == 1)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `does a change once for each client id`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let create = change(.create(.open, members: users("bob")), by: "alice", cid: "1", at: 5)
      let results = await store.ask([
        create, create,
        change(.create(.closed, members: []), by: "alice", cid: "1"),
        change(.create(.open, members: users("bob")), by: "alice", in: "other", cid: "1"),
        change(.leave, by: "bob", cid: "2", at: 5), change(.leave, by: "bob", cid: "2", at: 6),
        change(.leave, by: "bob", cid: "3", at: 6),
        change(.join, by: "alice", cid: "4", at: 6),
        .append(draft(from: "alice", cid: "1")),
        .append(draft(from: "dave", cid: "5", at: 5)), change(.join, by: "dave", cid: "5"),
      ])
      #expect(
        results == [
          .stored(1, at: 5), .stored(1, at: 5, again: true), .conflict, .conflict,
          .stored(2, at: 5), .stored(2, at: 5, again: true), .refused(.notFound), .unchanged,
          .conflict, .stored(1, at: 5), .conflict,
        ])
      #expect(await store.roles(seenBy: "alice") == ["alice:owner"])
      #expect(await store.states(of: "alice").map(\.conversation) == [room()])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `refuses a change of a direct conversation`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let sent = draft(cid: "1")
      let join = RoomDraft(
        conversation: sent.conversation, actor: user("alice"), change: .join,
        content: MessageContent(clientID: "2", body: RoomChange.join.body), timestamp: 1)
      #expect(
        await store.ask([.append(sent), .changeRoom(join)])
          == [.stored(1), .refused(.notFound)])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `lets one of many nodes create a room, and counts its members`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let stores = [
        try await database.open(node("server1")), try await database.open(node("server2")),
      ]
      let results = await withTaskGroup(of: [StoreReply.Result].self) { group in
        for number in 0..<20 {
          group.addTask {
            await stores[number % 2].ask([
              change(.create(.open, members: []), by: "user\(number)", cid: "1"),
              change(.join, by: "user\(number)", cid: "2"),
              .append(entry(from: "user\(number)", cid: "3")),
            ])
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(results.count { $0[0].isStoredAnew } == 1)
      #expect(results.count { $0[0] == .refused(.exists) } == 19)
      #expect(results.count { $0[1].isStoredAnew } == 19)
      #expect(results.count { $0[1] == .unchanged } == 1)
      #expect(results.allSatisfy { $0[2].isStoredAnew })
      let log = await stores[0].history(room())
      #expect(log.map(\.sequence) == Array(1...40))
      #expect(await stores[1].roles(seenBy: "user0")?.count == 20)
      #expect(await stores[1].states(of: "user0").first?.room?.memberCount == 20)
    }
  }
}
