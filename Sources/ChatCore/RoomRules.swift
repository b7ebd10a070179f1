package import ChatProtocol

/// What a change of a room may do and what follows from it, as values: the one text that every
/// store decides by.
package enum RoomRules {
  /// Decides about a change by what the store knows of the room.
  package static func decide(
    _ change: RoomChange, by actor: UserID, in facts: RoomFacts
  ) -> RoomDecision {
    if case .create(let settings, let users) = change {
      return facts.settings == nil ? create(settings, users, by: actor) : .refused(.exists)
    }
    guard let settings = facts.settings else { return .refused(.notFound) }
    if case .join = change { return join(actor, settings, facts) }
    guard let role = facts.roles[actor] else { return .refused(.notFound) }
    switch change {
    case .create, .join:
      preconditionFailure("decided above")
    case .leave:
      var effect = RoomEffect(settings: settings)
      effect.removed = actor
      if role == .owner { effect.promote(facts.next) }
      return .changed(effect)
    case .invite(let users):
      return invite(users, by: role, settings, facts)
    case .kick(let user):
      return kick(user, by: role, settings, facts)
    case .setRole(let user, let new):
      return setRole(of: user, to: new, by: role, settings, facts)
    case .update(let change):
      return update(change, by: role, settings)
    }
  }

  private static func create(
    _ settings: RoomSettings, _ users: [UserID], by actor: UserID
  ) -> RoomDecision {
    var effect = RoomEffect(settings: settings)
    effect.joined = [RoomMember(user: actor, role: .owner)]
    effect.joined += distinct(users) { $0 != actor }
    return .changed(effect)
  }

  private static func join(
    _ actor: UserID, _ settings: RoomSettings, _ facts: RoomFacts
  ) -> RoomDecision {
    if facts.roles[actor] != nil { return .unchanged }
    guard settings.isPublic else { return .refused(.notFound) }
    guard facts.memberCount < RoomDraft.membersMax else { return .refused(.full) }
    var effect = RoomEffect(settings: settings)
    effect.joined = [RoomMember(user: actor, role: facts.memberCount == 0 ? .owner : .member)]
    return .changed(effect)
  }

  private static func invite(
    _ users: [UserID], by role: RoomRole, _ settings: RoomSettings, _ facts: RoomFacts
  ) -> RoomDecision {
    guard settings.isPublic || role >= .moderator else { return .refused(.forbidden) }
    var effect = RoomEffect(settings: settings)
    effect.joined = distinct(users) { facts.roles[$0] == nil }
    if effect.joined.isEmpty { return .unchanged }
    let isFull = facts.memberCount + effect.joined.count > RoomDraft.membersMax
    return isFull ? .refused(.full) : .changed(effect)
  }

  private static func kick(
    _ user: UserID, by role: RoomRole, _ settings: RoomSettings, _ facts: RoomFacts
  ) -> RoomDecision {
    guard role >= .moderator else { return .refused(.forbidden) }
    guard let other = facts.roles[user] else { return .unchanged }
    guard other < role else { return .refused(.forbidden) }
    var effect = RoomEffect(settings: settings)
    effect.removed = user
    return .changed(effect)
  }

  private static func setRole(
    of user: UserID, to new: RoomRole, by role: RoomRole, _ settings: RoomSettings,
    _ facts: RoomFacts
  ) -> RoomDecision {
    guard role == .owner else { return .refused(.forbidden) }
    guard let old = facts.roles[user] else { return .refused(.notFound) }
    // The only member of a room would be its owner again at once.
    let isAlone = old == .owner && facts.next == nil
    if old == new || isAlone { return .unchanged }
    var effect = RoomEffect(settings: settings)
    effect.roles = [RoomMember(user: user, role: new)]
    if old == .owner { effect.promote(facts.next) }
    return .changed(effect)
  }

  private static func update(
    _ change: RoomSettingsChange, by role: RoomRole, _ settings: RoomSettings
  ) -> RoomDecision {
    let new = change.applied(to: settings)
    let isOwners =
      new.isPublic != settings.isPublic || new.retainDays != settings.retainDays
    let needed: RoomRole = isOwners ? .owner : .moderator
    guard role >= needed else { return .refused(.forbidden) }
    return new == settings ? .unchanged : .changed(RoomEffect(settings: new))
  }

  /// Each user once, in the order given, as members.
  private static func distinct(
    _ users: [UserID], where isWanted: (UserID) -> Bool
  ) -> [RoomMember] {
    var seen: Set<UserID> = []
    return users.filter { isWanted($0) && seen.insert($0).inserted }
      .map { RoomMember(user: $0, role: .member) }
  }
}

/// As much of a room as a change of it depends on.
package struct RoomFacts: Hashable, Sendable {
  /// Nil: there is no such room.
  package var settings: RoomSettings?
  package var memberCount: Int
  /// Of those in `RoomChange.concerned(by:)`, the ones who are members.
  package var roles: [UserID: RoomRole]
  /// The first in succession of all members but `RoomChange.yielding(by:)`: by role, the highest
  /// first; then by how long they have been there; then by name. Not needed if nobody yields.
  package var next: RoomMember?

  package init(
    settings: RoomSettings? = nil, memberCount: Int = 0, roles: [UserID: RoomRole] = [:],
    next: RoomMember? = nil
  ) {
    self.settings = settings
    self.memberCount = memberCount
    self.roles = roles
    self.next = next
  }
}

package enum RoomDecision: Hashable, Sendable {
  case refused(StoreRefusal)
  case unchanged
  case changed(RoomEffect)
}

/// What a store has to write besides the entry.
package struct RoomEffect: Hashable, Sendable {
  /// As they are from now on.
  package var settings: RoomSettings
  package var joined: [RoomMember] = []
  package var removed: UserID?
  /// Members whose role is another from now on.
  package var roles: [RoomMember] = []

  package init(settings: RoomSettings) { self.settings = settings }

  /// By how many the members become more or fewer.
  package var memberCountChange: Int { joined.count - (removed == nil ? 0 : 1) }

  /// Makes `next` an owner, after an owner has yielded, unless there is still one.
  fileprivate mutating func promote(_ next: RoomMember?) {
    guard let next, next.role != .owner else { return }
    roles.append(RoomMember(user: next.user, role: .owner))
  }
}

extension RoomChange {
  /// Whose membership the change depends on; each may come more than once.
  package func concerned(by actor: UserID) -> [UserID] {
    switch self {
    case .create, .join, .leave, .update: [actor]
    case .invite(let users): [actor] + users
    case .kick(let user), .setRole(let user, _): [actor, user]
    }
  }

  /// Who may cease to be an owner by it, so that another has to follow.
  package func yielding(by actor: UserID) -> UserID? {
    switch self {
    case .leave: actor
    case .setRole(let user, let role): role == .owner ? nil : user
    case .create, .join, .invite, .kick, .update: nil
    }
  }
}
