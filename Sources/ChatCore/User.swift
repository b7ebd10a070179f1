import ChatProtocol
import DequeModule

/// A user as this hub sees them: the sessions here, how far each direct conversation was handed to
/// them, and the rooms. Exists while there is a session.
final class User: Audience {
  /// A room that the user is a member of.
  struct Membership {
    let room: Room
    /// The user sees the entries above this.
    let since: UInt64
    /// The entry with which the user came. The room may still be on its way there on this hub: what an
    /// entry before it says of the user is long over.
    let joined: UInt64
    /// When this hub learned of it: a list read before does not say that it has ended.
    let knownSince: Int64
  }

  /// That the user is out of a room, or may be.
  struct Removal {
    /// The last entry that says so: what the store said of the room before it is not so any more.
    let sequence: UInt64
    /// The entry that said so while the user was a member here: the sessions have had it. Of stays since
    /// then this hub has seen no more than the end.
    let heard: UInt64
  }

  let id: UserID
  var memberships: [Membership] = []
  /// Until the user is a member again.
  var removals: [ConversationID: Removal] = [:]
  var allowance = Allowance()
  var presenceBucket = TokenBucket()
  var watchBucket = TokenBucket()
  /// Sessions whose list of users to watch waits for that, in turn.
  var watchLine: Deque<Session> = []
  /// Sessions of one command that wait for the allowance.
  var askers: [Session] = []
  /// When the heads are to be compared next; alarms for other times are void.
  var sweepAt: Int64 = 0

  // The small ones side by side: there are millions of users.
  /// What the registry was told last of this hub's sessions.
  var toldPresence = PresenceState.offline
  /// Whether a change of the state waits for its time.
  var hasPresenceAlarm = false
  var hasWatchAlarm = false
  var isBeingSwept = false
  /// Whether it was to be done again while it was being done.
  var isSweepDue = false
  /// Whether something about the user's rooms came while the list of them was being read.
  var hasChangedWhileLoading = false

  init(id: UserID) { self.id = id }

  func session(ofDevice device: String) -> Session? {
    sessions.first { $0.device == device }
  }

  /// What the store said, without rooms that the user was taken out of since, or has come into again:
  /// what it said of an earlier stay is not so of this one.
  func current(_ states: [ConversationState], readAt time: Int64) -> [ConversationState] {
    let newer = memberships.filter { $0.knownSince >= time }
    guard !removals.isEmpty || !newer.isEmpty else { return states }
    return states.filter { state in
      state.head >= removals[state.conversation]?.sequence ?? 0
        && !newer.contains { $0.room.conversation == state.conversation && $0.joined > state.head }
    }
  }

  func membership(in room: Room) -> Membership? {
    memberships.first { $0.room === room }
  }

  override func address(of message: Message) -> Address { message.address(seenBy: id) }
}
