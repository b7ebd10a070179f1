import ChatCore
import ChatProtocol
import Testing

/// Who may do what in a room. A room's facts are written as `alice:owner` and the like.
@Suite struct RoomRulesTests {
  private func user(_ name: String) -> UserID { UserID(name)! }

  private func facts(
    _ members: KeyValuePairs<String, RoomRole>, isPublic: Bool = true, next: String? = nil,
    memberCount: Int? = nil
  ) -> RoomFacts {
    var facts = RoomFacts(settings: RoomSettings(name: "n", topic: "t", isPublic: isPublic))
    for (name, role) in members { facts.roles[user(name)] = role }
    facts.memberCount = memberCount ?? members.count
    facts.next = next.flatMap { name in
      facts.roles[user(name)].map { RoomMember(user: user(name), role: $0) }
    }
    return facts
  }

  private func effect(isPublic: Bool = true, _ fill: (inout RoomEffect) -> Void) -> RoomDecision {
    var effect = RoomEffect(settings: RoomSettings(name: "n", topic: "t", isPublic: isPublic))
    fill(&effect)
    return .changed(effect)
  }

  private func decide(_ change: RoomChange, by actor: String, _ facts: RoomFacts) -> RoomDecision {
    RoomRules.decide(change, by: user(actor), in: facts)
  }

  @Test func `lets anybody create what does not exist`() {
    let settings = RoomSettings(name: "n", topic: "t", isPublic: false)
    let create = RoomChange.create(settings, members: [user("bob"), user("alice"), user("bob")])
    #expect(
      decide(create, by: "alice", RoomFacts())
        == effect(isPublic: false) {
          $0.joined = [
            RoomMember(user: user("alice"), role: .owner),
            RoomMember(user: user("bob"), role: .member),
          ]
        })
    #expect(decide(create, by: "bob", facts(["alice": .owner])) == .refused(.exists))
    #expect(decide(create, by: "bob", facts([:])) == .refused(.exists))
  }

  @Test(arguments: [
    RoomChange.join, .leave, .invite([]), .kick(UserID("bob")!), .setRole(UserID("bob")!, .owner),
    .update(RoomSettingsChange(name: "x")),
  ])
  func `shows no room where there is none, nor a private one to others`(_ change: RoomChange) {
    #expect(decide(change, by: "alice", RoomFacts()) == .refused(.notFound))
    let closed = facts(["bob": .owner], isPublic: false)
    #expect(decide(change, by: "alice", closed) == .refused(.notFound))
  }

  @Test func `lets anybody join a public room, and own an empty one`() {
    let joined = { (role: RoomRole) in
      self.effect { $0.joined = [RoomMember(user: self.user("bob"), role: role)] }
    }
    #expect(decide(.join, by: "bob", facts(["alice": .owner])) == joined(.member))
    #expect(decide(.join, by: "bob", facts([:])) == joined(.owner))
    #expect(decide(.join, by: "bob", facts(["bob": .owner], isPublic: false)) == .unchanged)
    let full = facts([:], memberCount: RoomDraft.membersMax)
    #expect(decide(.join, by: "bob", full) == .refused(.full))
  }

  @Test func `lets members invite to a public room and moderators to a private one`() {
    let users = [user("carol"), user("bob"), user("carol")]
    let invited = { (isPublic: Bool) in
      self.effect(isPublic: isPublic) {
        $0.joined = [RoomMember(user: self.user("carol"), role: .member)]
      }
    }
    #expect(decide(.invite(users), by: "bob", facts(["bob": .member])) == invited(true))
    #expect(
      decide(.invite(users), by: "bob", facts(["bob": .member], isPublic: false))
        == .refused(.forbidden))
    #expect(
      decide(.invite(users), by: "bob", facts(["bob": .moderator], isPublic: false))
        == invited(false))
    #expect(
      decide(.invite([user("bob")]), by: "bob", facts(["bob": .member])) == .unchanged)
    let almost = facts(["bob": .member], memberCount: RoomDraft.membersMax - 1)
    #expect(decide(.invite(users), by: "bob", almost) == invited(true))
    #expect(
      decide(.invite(users + [user("dave")]), by: "bob", almost) == .refused(.full))
  }

  @Test(arguments: RoomRole.allCases, RoomRole.allCases)
  func `takes out members below the own role`(_ role: RoomRole, _ other: RoomRole) {
    let decision = decide(.kick(user("bob")), by: "alice", facts(["alice": role, "bob": other]))
    if role >= .moderator && other < role {
      #expect(decision == effect { $0.removed = user("bob") })
    } else {
      #expect(decision == .refused(.forbidden))
    }
  }

  @Test func `leaves out those who are no members, and oneself`() {
    #expect(decide(.kick(user("bob")), by: "alice", facts(["alice": .owner])) == .unchanged)
    #expect(
      decide(.kick(user("bob")), by: "alice", facts(["alice": .member])) == .refused(.forbidden))
    #expect(
      decide(.kick(user("alice")), by: "alice", facts(["alice": .owner])) == .refused(.forbidden))
  }

  @Test func `lets an owner give roles`() {
    let room = facts(["alice": .owner, "bob": .member], next: "alice")
    #expect(
      decide(.setRole(user("bob"), .owner), by: "alice", room)
        == effect { $0.roles = [RoomMember(user: user("bob"), role: .owner)] })
    #expect(decide(.setRole(user("bob"), .member), by: "alice", room) == .unchanged)
    #expect(decide(.setRole(user("dave"), .owner), by: "alice", room) == .refused(.notFound))
    #expect(decide(.setRole(user("bob"), .owner), by: "bob", room) == .refused(.forbidden))
    let moderated = facts(["alice": .moderator, "bob": .member])
    #expect(
      decide(.setRole(user("bob"), .moderator), by: "alice", moderated) == .refused(.forbidden))
  }

  @Test func `finds another owner when the last one leaves or steps down`() {
    let room = facts(["alice": .owner, "bob": .moderator], next: "bob")
    let bob = RoomMember(user: user("bob"), role: .owner)
    #expect(
      decide(.leave, by: "alice", room)
        == effect {
          $0.removed = user("alice")
          $0.roles = [bob]
        })
    #expect(
      decide(.setRole(user("alice"), .member), by: "alice", room)
        == effect { $0.roles = [RoomMember(user: user("alice"), role: .member), bob] })
    let two = facts(["alice": .owner, "bob": .owner], next: "bob")
    #expect(decide(.leave, by: "alice", two) == effect { $0.removed = user("alice") })
    let alone = facts(["alice": .owner])
    #expect(decide(.setRole(user("alice"), .member), by: "alice", alone) == .unchanged)
    #expect(decide(.leave, by: "alice", alone) == effect { $0.removed = user("alice") })
    #expect(decide(.leave, by: "bob", room) == effect { $0.removed = user("bob") })
  }

  @Test func `lets moderators change the name, and owners who may come and what is kept`() {
    let renamed = RoomChange.update(RoomSettingsChange(name: "new"))
    let closed = RoomChange.update(RoomSettingsChange(isPublic: false))
    let kept = RoomChange.update(RoomSettingsChange(retainDays: 30))
    let same = RoomChange.update(RoomSettingsChange(topic: "t", isPublic: true))
    for role in RoomRole.allCases {
      let room = facts(["alice": role])
      let mayRename = role >= .moderator
      #expect(
        decide(renamed, by: "alice", room)
          == (mayRename ? effect { $0.settings.name = "new" } : .refused(.forbidden)))
      #expect(
        decide(closed, by: "alice", room)
          == (role == .owner ? effect(isPublic: false) { _ in } : .refused(.forbidden)))
      #expect(
        decide(kept, by: "alice", room)
          == (role == .owner ? effect { $0.settings.retainDays = 30 } : .refused(.forbidden)))
      #expect(
        decide(same, by: "alice", room) == (mayRename ? .unchanged : .refused(.forbidden)))
    }
  }
}
