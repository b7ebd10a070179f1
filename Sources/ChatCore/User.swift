import ChatProtocol

/// A user as this hub sees them: the sessions here, how far each direct conversation was handed to
/// them, and the rooms. Exists while there is a session.
final class User: Audience {
  /// A room that the user is a member of.
  struct Membership {
    let room: Room
    /// The user sees the entries above this.
    let since: UInt64
    /// When this hub learned of it: a list read before does not say that it has ended.
    let knownSince: Int64
  }

  let id: UserID
  var memberships: [Membership] = []
  /// What the registry was told last of this hub's sessions.
  var toldPresence = PresenceState.offline
  var allowance = Allowance()
  /// Sessions of one command that wait for the allowance.
  var askers: [Session] = []
  /// When the heads are to be compared next; alarms for other times are void.
  var sweepAt: Int64 = 0
  /// Whether something about the user's rooms came while the list of them was being read.
  var hasChangedWhileLoading = false

  init(id: UserID) { self.id = id }

  func session(ofDevice device: String) -> Session? {
    sessions.first { $0.device == device }
  }

  func membership(in room: Room) -> Membership? {
    memberships.first { $0.room === room }
  }

  override func address(of message: Message) -> Address { message.address(seenBy: id) }
}
