import ChatCore
import ChatProtocol
import Testing

/// What every `MessageStore` keeps to; the text is in `MessageStore.swift`. More of it is in
/// suites of its own, by topic.
@Suite struct MessageStoreContractTests {
  @Test(arguments: StoreKind.allCases)
  func `numbers a conversation from one, in the order given`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let results = await store.ask((1...300).map { .append(draft(cid: "c\($0)", text: "\($0)")) })
      #expect(results == (1...300).map { .stored($0) })
      let history = await store.history(draft(cid: "").conversation)
      #expect(history.map(\.sequence) == Array(1...300))
      #expect(history.map(\.clientID) == (1...300).map { "c\($0)" })
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `gives back what was stored, byte for byte`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let odd = #"\u0000 é 🙂 \" ' ; -- "# + "\u{1}\u{7F}"
      let cid = #"'";--\é🙂"#
      let sent = draft(cid: cid, text: odd, reference: 7, at: 1_767_222_222_123)
      #expect(await store.ask(.append(sent)) == .stored(1, at: 1_767_222_222_123))
      let message = try #require(await store.history(sent.conversation).first)
      #expect(
        message
          == Message(
            conversation: sent.conversation, sequence: 1, sender: sent.sender,
            content: sent.content, timestamp: 1_767_222_222_123, reference: 7))
      #expect(message.clientID == cid)
    }
  }

  @Test(arguments: StoreKind.allCases, [0, 1, 16_384, 1 << 20])
  func `keeps large and empty bodies`(_ kind: StoreKind, bytes: Int) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      var sent = draft(cid: "c")
      let body = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      sent.content = MessageContent(clientID: "c", body: body)
      #expect(await store.ask(.append(sent)) == .stored(1))
      #expect(await store.history(sent.conversation).first?.body == body)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `takes every legal character in names`(_ kind: StoreKind) async throws {
    let legal = "abcdefghijklmnopqrstuvwxyz0123456789._-"
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      for name in ["-", ".", "_", "0", legal, String(repeating: "z", count: 64)] {
        let sent = draft(from: name, to: "bob", cid: "c")
        #expect(await store.ask(.append(sent)) == .stored(1))
        #expect(await store.history(sent.conversation).first?.sender == user(name))
      }
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `answers a repeated client id with the first number`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let first = draft(cid: "c1", at: 5_000)
      _ = await store.ask([.append(first), .append(draft(cid: "c2", at: 6_000))])
      var again = first
      again.timestamp = 9_000
      let results = await store.ask([.append(again), .append(again)])
      #expect(results == [.stored(1, at: 5_000, again: true), .stored(1, at: 5_000, again: true)])
      #expect(await store.history(first.conversation).count == 2)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `stores a client id that comes twice in one batch once`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let results = await store.ask([
        .append(draft(cid: "c1")), .append(draft(cid: "c1")), .append(draft(cid: "c2")),
        .append(draft(cid: "c1", text: "other")), .append(draft(to: "carol", cid: "c2")),
      ])
      #expect(
        results == [.stored(1), .stored(1, again: true), .stored(2), .conflict, .conflict])
      #expect(await store.history(draft(to: "carol", cid: "").conversation).isEmpty)
      #expect(
        await store.ask(.conversations(of: user("carol"), limit: 10)) == .conversations([]))
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `refuses a used client id with other content`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      #expect(await store.ask(.append(draft(cid: "c1", reference: 3))) == .stored(1))
      let results = await store.ask([
        .append(draft(cid: "c1", text: "other", reference: 3)), .append(draft(cid: "c1")),
        .append(draft(cid: "c1", reference: 4)),
        .append(draft(to: "carol", cid: "c1", reference: 3)),
        .append(draft(from: "bob", to: "alice", cid: "c1")),
        .append(draft(cid: "c1", reference: 3)),
      ])
      // The client ids of another sender are its own.
      let expected: [StoreReply.Result] = [
        .conflict, .conflict, .conflict, .conflict, .stored(2), .stored(1, again: true),
      ]
      #expect(results == expected)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `never lets a conversation's clock go back`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      _ = await store.ask([.append(draft(cid: "c1", at: 50)), .append(draft(cid: "c2", at: 40))])
      _ = await store.ask(.append(draft(cid: "c3", at: 45)))
      _ = await store.ask(.append(draft(cid: "c4", at: 60)))
      let history = await store.history(draft(cid: "").conversation)
      #expect(history.map(\.timestamp) == [50, 50, 50, 60])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `reads windows of history`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      _ = await store.ask((1...20).map { .append(draft(cid: "c\($0)")) })
      let conversation = draft(cid: "").conversation
      for (after, before, limit, fromStart, expected) in historyWindows {
        let result = await store.ask(
          .messages(
            in: conversation, after: after, before: before, limit: limit, fromStart: fromStart))
        #expect(result.messages?.map(\.sequence) == expected)
      }
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `sees in a batch what came before it there`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let conversation = draft(cid: "").conversation
      for round in 1...20 {
        let results = await store.ask([
          .append(draft(cid: "c\(round)")),
          .messages(
            in: conversation, after: UInt64(round) - 1, before: .max, limit: 1, fromStart: true),
          .conversations(of: user("bob"), limit: 1),
        ])
        #expect(results[0] == .stored(UInt64(round)))
        #expect(results[1].messages?.map(\.sequence) == [UInt64(round)])
        #expect(results[2] == .conversations([.init(conversation, head: UInt64(round))]))
      }
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `shows each user the heads at that place of a batch`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      let results = await store.ask([
        .append(draft(from: "alice", to: "bob", cid: "1")),
        .append(draft(from: "carol", to: "dave", cid: "1")),
        .conversations(of: user("alice"), limit: 9),
        .append(draft(from: "carol", to: "dave", cid: "2")),
        .conversations(of: user("dave"), limit: 9),
      ])
      #expect(results[2] == .conversations([.init(direct: "alice", "bob", head: 1)]))
      #expect(results[4] == .conversations([.init(direct: "carol", "dave", head: 2)]))
      let next = await store.ask(.append(draft(from: "dave", to: "carol", cid: "3")))
      #expect(next == .stored(3))
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `lists the conversations of many users at once, each their own`(
    _ kind: StoreKind
  ) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      // More than a statement for several users gives one of them.
      let peers = (0..<70).map { "peer\($0)" }
      _ = await store.ask(
        peers.enumerated().map { index, peer in
          .append(draft(from: "busy", to: peer, cid: peer, at: Timestamp(100 + index)))
        })
      let some = ["busy", "nobody"] + peers.prefix(15) + ["busy"] + peers.suffix(40) + ["nobody"]
      for limit in [100, 66, 65, 64, 9] {
        let lists = await store.ask(some.map { .conversations(of: user($0), limit: limit) })
        for (name, list) in zip(some, lists) {
          let expected: [ConversationState] =
            switch name {
            case "nobody": []
            case "busy":
              peers.reversed().prefix(limit).map { .init(direct: "busy", $0, head: 1) }
            default: [.init(direct: "busy", name, head: 1)]
            }
          #expect(list == .conversations(expected), "\(name), at most \(limit)")
        }
      }
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `lists conversations, the most recently written first`(_ kind: StoreKind) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      for (index, name) in ["bob", "carol", "dave", "alice"].enumerated() {
        _ = await store.ask(.append(draft(to: name, cid: name, at: Timestamp(100 + index))))
      }
      _ = await store.ask(.append(draft(from: "bob", to: "alice", cid: "b", at: 200)))
      let expected: [ConversationState] = [
        .init(direct: "alice", "bob", head: 2), .init(direct: "alice", "alice", head: 1),
        .init(direct: "alice", "dave", head: 1), .init(direct: "alice", "carol", head: 1),
      ]
      let alice = user("alice")
      #expect(await store.ask(.conversations(of: alice, limit: 9)) == .conversations(expected))
      #expect(
        await store.ask(.conversations(of: alice, limit: 2))
          == .conversations(Array(expected.prefix(2))))
      #expect(
        await store.ask(.conversations(of: user("dave"), limit: 9))
          == .conversations([.init(direct: "dave", "alice", head: 1)]))
      #expect(
        await store.ask(.conversations(of: user("nobody"), limit: 9)) == .conversations([]))
    }
  }
}

/// After, before, limit, from the start, and the numbers expected of a conversation of 20.
private let historyWindows: [(UInt64, UInt64, Int, Bool, [UInt64])] = [
  (0, .max, 5, true, [1, 2, 3, 4, 5]),
  (0, .max, 5, false, [16, 17, 18, 19, 20]),
  (5, 8, 100, true, [6, 7]),
  (5, 8, 100, false, [6, 7]),
  (5, 20, 2, true, [6, 7]),
  (5, 20, 2, false, [18, 19]),
  (20, .max, 5, true, []),
  (.max, .max, 5, true, []),
  (0, 1, 5, false, []),
  (7, 7, 5, true, []),
  (0, .max, 0, true, []),
  (0, .max, -1, false, []),
]

extension StoreReply.Result {
  var messages: [Message]? {
    if case .messages(let messages, lowWaterMark: _) = self { messages } else { nil }
  }

  static func stored(
    _ sequence: UInt64, at timestamp: Timestamp = 1_000, again: Bool = false
  ) -> Self {
    .appended(sequence: sequence, timestamp: timestamp, isDuplicate: again)
  }
}

extension ConversationState {
  init(_ conversation: ConversationID, head: UInt64) {
    let peer = conversation.members.count == 2 ? PeerMarks(received: 0, read: 0) : nil
    self.init(conversation: conversation, head: head, received: 0, read: 0, peer: peer)
  }

  init(direct one: String, _ other: String, head: UInt64) {
    self.init(ConversationID(direct: user(one), user(other)), head: head)
  }
}
