/// What a member does to a room. Each change that takes effect is an entry of the room's log, whose
/// body says it; see `RoomChange+Body.swift`.
package enum RoomChange: Hashable, Sendable {
  /// The actor becomes the owner, the others members.
  case create(RoomSettings, members: [UserID])
  case join
  case leave
  /// They are members at once, and may leave.
  case invite([UserID])
  case kick(UserID)
  case setRole(UserID, RoomRole)
  case update(RoomSettingsChange)

  /// Users that one change may name.
  package static let usersMax = 100

  /// Who is a member after the change that may not have been before, besides the actor.
  package var added: [UserID] {
    switch self {
    case .create(_, let users), .invite(let users): users
    case .join, .leave, .kick, .setRole, .update: []
    }
  }

  /// Whether the actor may become a member by it.
  package var addsActor: Bool {
    switch self {
    case .create, .join: true
    case .leave, .invite, .kick, .setRole, .update: false
    }
  }

  /// Who is no member any more; nil: nobody.
  package func removed(by actor: UserID) -> UserID? {
    switch self {
    case .leave: actor
    case .kick(let user): user
    case .create, .join, .invite, .setRole, .update: nil
    }
  }
}
