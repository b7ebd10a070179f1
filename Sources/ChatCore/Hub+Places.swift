import ChatProtocol
import FaultInjection

// Where a new session is in each conversation, by what the store says of its user, what its device holds,
// and what this hub has heard meanwhile. What lies between its place and its user's it has missed; what
// it is not to have a `gap` tells.

extension Hub {
  /// Notes in which conversations the new session is not where its user is.
  ///
  /// A device that holds something elsewhere and nothing of a conversation was away when that
  /// began, and gets it from the start; a room from the entry with which its user came. One that holds
  /// nothing at all begins at the heads, which `ready` tells it.
  func place(_ session: Session, _ user: User, _ loaded: LoadedConversations) {
    var missed: [ConversationID] = []
    for state in loaded.states {
      let position = max(held(state, user, loaded.resume), state.start)
      let cursor =
        audience(of: user, in: state.conversation).cursor(in: state.conversation)
        ?? state.head
      if position > cursor {
        session.lags[state.conversation] = .ahead(through: position)
      } else if position < cursor {
        let start = Mutant.resumeSkipsOne.isActive ? position + 1 : position
        session.lags[state.conversation] = .resuming(Missed(position: start))
        missed.append(state.conversation)
      } else {
        settle(session, in: state.conversation)
      }
    }
    noteAbsent(session, loaded)
    missed += begun(after: loaded, user, session)
    guard !missed.isEmpty else { return }
    let resumption = Resumption(budget: limits.resumedMessagesMax)
    resumption.waiting.append(contentsOf: missed)
    session.resumption = resumption
  }

  /// Up to where the device has a conversation.
  private func held(
    _ state: ConversationState, _ user: User, _ resume: [Address: UInt64]
  ) -> UInt64 {
    let start = state.room.map { max($0.joined, 1) - 1 } ?? 0
    let held = resume[state.conversation.address(seenBy: user.id)]
    return min(held ?? (resume.isEmpty ? state.head : start), state.head)
  }

  /// Of rooms that the user is out of the session keeps where its device is: it may come into them again,
  /// perhaps by an entry that has not yet come here.
  private func noteAbsent(_ session: Session, _ loaded: LoadedConversations) {
    for case (.room(let name), let held) in loaded.resume {
      let conversation = ConversationID(room: name)
      guard !loaded.known.contains(conversation) else { continue }
      session.lags[conversation] = .out(after: held)
    }
  }

  /// Conversations that began after the load was read: the session has nothing of them yet.
  private func begun(
    after loaded: LoadedConversations, _ user: User, _ session: Session
  ) -> [ConversationID] {
    var begun: [ConversationID] = []
    if loaded.isComplete {
      for entry in user.cursors.entries where !loaded.known.contains(entry.conversation) {
        session.lags[entry.conversation] = .resuming(Missed(position: 0))
        begun.append(entry.conversation)
      }
    }
    for membership in user.memberships
    where !loaded.known.contains(membership.room.conversation) {
      let room = membership.room
      guard !loaded.haveEnded(membership) else {
        takeOut(session, user, of: room)
        continue
      }
      let position = held(membership, loaded)
      if !room.sessions.contains(where: { $0 === session }) { room.sessions.append(session) }
      if lag(session, in: room, at: max(position, membership.since)) {
        begun.append(room.conversation)
      }
    }
    return begun
  }

  /// Up to where the device has a room that is not in the list. One that has nothing of it gets it from
  /// the entry with which its user came, if that is new, and else from where it is.
  private func held(_ membership: User.Membership, _ loaded: LoadedConversations) -> UInt64 {
    let room = membership.room
    if let held = loaded.resume[.room(room.name)] { return held }
    let joined = max(membership.joined, 1) - 1
    return loaded.isComplete ? joined : room.cursor(in: room.conversation) ?? joined
  }

  /// The session holds the room up to `position`. Says whether something of it has to be read.
  func lag(_ session: Session, in room: Room, at position: UInt64) -> Bool {
    if let cursor = room.cursor(in: room.conversation), cursor < position {
      session.lags[room.conversation] = .ahead(through: position)
      return false
    }
    session.lags[room.conversation] = .resuming(Missed(position: position))
    return true
  }

  /// Of a room that the user left and came back to, what was written between is not for the user;
  /// and what was removed is for nobody.
  func announceHidden(_ session: Session, _ user: User, _ loaded: LoadedConversations) {
    for state in loaded.states {
      announceHidden(state, above: held(state, user, loaded.resume), to: session)
    }
    for membership in user.memberships where !loaded.haveEnded(membership) {
      let room = membership.room
      guard !loaded.known.contains(room.conversation), let held = loaded.resume[.room(room.name)],
        held < membership.since
      else { continue }
      sendGap(
        to: session, room.conversation, after: held, before: membership.since + 1, .absence)
    }
  }

  func announceHidden(_ state: ConversationState, above held: UInt64, to session: Session) {
    guard held < state.start else { return }
    sendGap(
      to: session, state.conversation, after: held, before: state.start + 1,
      state.start == state.lowWaterMark ? .removal : .absence)
  }

  /// Of a user with too many conversations not all are known; of those that the session asked
  /// for and that are not, anything may be missing.
  func announceUnknown(_ session: Session, _ user: User, _ loaded: LoadedConversations) {
    // Of a room the device may be told nothing: its user may be no member any more.
    let unknown = loaded.resume.compactMap { address, position -> (ConversationID, UInt64)? in
      guard case .user(let other) = address else { return nil }
      let conversation = ConversationID(direct: user.id, other)
      return loaded.known.contains(conversation) ? nil : (conversation, position)
    }
    for (conversation, position) in unknown.sorted(by: { $0.0 < $1.0 }) {
      sendGap(to: session, conversation, after: position, before: sequenceEnd)
    }
  }
}
