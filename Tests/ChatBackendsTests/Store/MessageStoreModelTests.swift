import ChatCore
import ChatProtocol
import Testing

/// Holds the stores to `ModelStore`, which has the rules of `ChatCore` and nothing else.
@Suite struct MessageStoreModelTests {
  @Test(arguments: StoreKind.allCases, UInt64(1)...8)
  func `answers as the rules say, whatever is asked`(
    _ kind: StoreKind, seed: UInt64
  ) async throws {
    try await withDatabase(kind) { database in
      let store = try await database.open(node("server1"))
      var model = ModelStore()
      var source = RequestSource(seed: seed)
      for _ in 0..<120 {
        let batch = source.writes()
        let results = await store.ask(batch)
        for (operation, result) in zip(batch, results) {
          let expected = model.perform(operation)
          #expect(result == expected, "seed \(seed): \(operation)")
        }
        if source.isTimeToRemove() {
          let removal = source.removal()
          #expect(await store.ask(removal) == model.perform(removal), "seed \(seed): \(removal)")
        }
        let read = source.read()
        let result = await store.ask(read)
        #expect(result == model.perform(read), "seed \(seed): \(read)")
      }
    }
  }
}

/// Requests at random about few users and conversations, so that they meet.
private struct RequestSource {
  private var random: SplitMix
  private let names = ["alice", "bob", "carol", "dave", "erin"]
  private let rooms = ["general", "secret"]
  private var sent: [Draft] = []
  /// The time of what is written, about.
  private var clock: Timestamp = 1_000

  init(seed: UInt64) { random = SplitMix(state: seed) }

  /// Appends and changes of rooms in any mixture; or one mark, which is the only write that may see
  /// what was submitted behind it.
  mutating func writes() -> [StoreRequest.Operation] {
    if chance(6) { return [mark()] }
    return (0..<Int.random(in: 1...12, using: &random)).map { _ in
      chance(4) ? changeOfRoom() : .append(draft())
    }
  }

  mutating func isTimeToRemove() -> Bool { chance(8) }

  /// Of some of what was written lately, and of rooms that keep entries for a day.
  mutating func removal() -> StoreRequest.Operation {
    let now = clock + (chance(2) ? 86_400_000 : 0) - Timestamp.random(in: 0...200, using: &random)
    let keptSince = clock - Timestamp.random(in: 0...400, using: &random)
    return .removeExpired(keptSince: keptSince, now: now, limit: 10_000)
  }

  private mutating func time() -> Timestamp {
    clock += Timestamp.random(in: 0...3, using: &random)
    return clock - Timestamp.random(in: 0...20, using: &random)
  }

  mutating func read() -> StoreRequest.Operation {
    let limit = Int.random(in: 0...12, using: &random)
    switch Int.random(in: 0..<3, using: &random) {
    case 0: return .conversations(of: anyUser(), limit: limit, countsUnread: chance(2))
    case 1:
      let after = anyUser()
      return .members(
        of: conversation(), reader: anyUser(), after: chance(2) ? after : nil, limit: limit)
    default:
      let reader = anyUser()
      return .messages(
        in: conversation(), reader: chance(2) ? reader : nil, after: sequence(),
        before: chance(3) ? sequence() : .max, limit: limit * 20, fromStart: chance(2))
    }
  }

  private mutating func mark() -> StoreRequest.Operation {
    .mark(anyUser(), in: conversation(), received: sequence(), read: sequence())
  }

  private mutating func draft() -> Draft {
    if chance(8), let again = sent.randomElement(using: &random) {
      return chance(3) ? again.kind(anyKind()) : again
    }
    var draft = draft(anyKind())
    draft.timestamp = time()
    if !sent.isEmpty && chance(40) { draft.content = sent[0].content }
    sent.append(draft)
    return draft
  }

  private mutating func draft(_ kind: EntryKind) -> Draft {
    let sender = anyName()
    let other = anyName()
    var draft = chatDraft(from: sender, to: other)
    if chance(2) {
      draft = entry(from: sender, in: rooms.randomElement(using: &random) ?? "", cid: newCID())
    }
    draft.kind = kind
    if kind != .message || chance(4) { draft.reference = sequence() }
    return draft
  }

  private mutating func chatDraft(from sender: String, to other: String) -> Draft {
    ChatBackendsTests.draft(from: sender, to: other, cid: newCID(), text: newCID())
  }

  private mutating func changeOfRoom() -> StoreRequest.Operation {
    let name = rooms.randomElement(using: &random) ?? ""
    let isPublic = chance(2)
    let settings = RoomSettings(name: newCID(), topic: "", isPublic: isPublic)
    let changed: RoomChange
    switch Int.random(in: 0..<12, using: &random) {
    case 0, 1: changed = .create(settings, members: [anyUser(), anyUser()])
    case 2, 3, 4: changed = .join
    case 5: changed = .leave
    case 6, 7: changed = .invite([anyUser(), anyUser()])
    case 8: changed = .kick(anyUser())
    case 9, 10:
      changed = .setRole(anyUser(), RoomRole.allCases.randomElement(using: &random) ?? .member)
    default:
      changed = .update(
        RoomSettingsChange(
          name: chance(2) ? newCID() : nil, isPublic: chance(2) ? isPublic : nil,
          retainDays: chance(2) ? Int.random(in: 0...2, using: &random) : nil))
    }
    return change(
      changed, by: anyName(), in: name, cid: newCID(),
      at: time())
  }

  private mutating func conversation() -> ConversationID {
    if chance(2) { return room(rooms.randomElement(using: &random) ?? "") }
    return ConversationID(direct: anyUser(), anyUser())
  }

  private mutating func anyKind() -> EntryKind {
    if chance(2) { return .message }
    return EntryKind.allCases.randomElement(using: &random) ?? .message
  }

  private mutating func sequence() -> UInt64 { UInt64.random(in: 0...30, using: &random) }
  private mutating func newCID() -> String { String(UInt64.random(in: 0...(.max), using: &random)) }
  private mutating func anyName() -> String { names.randomElement(using: &random) ?? "" }
  private mutating func anyUser() -> UserID { user(anyName()) }
  private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }
}

/// The generator of Steele, Lea and Flood: small, and the same on every machine.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
