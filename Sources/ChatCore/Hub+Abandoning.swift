import ChatProtocol
import DequeModule

// Entries of a room that are given up, or were removed before they came here, may have taken somebody out
// of it. So the hub lets go of the room, and everybody who was here in it waits for what the store says of
// them: members go on from where they were, and the others hear nothing more.

extension Hub {
  /// Nothing more of the room is handed out to the sessions that are here, until their users have been
  /// looked up.
  ///
  /// - Parameter last: an entry that there is, up to where the hub knows nothing of memberships.
  func abandon(_ room: Room, knowingNothingUpTo last: UInt64) {
    let conversation = room.conversation
    sweep(room)
    let cursor = room.cursor(in: conversation) ?? 0
    for (index, session) in room.sessions.enumerated() {
      dropBehind(conversation, session)
      let handedOut = room.placeOnTheWay(toSessionAt: index) ?? cursor
      let place = place(of: session, in: room, handedOut: handedOut)
      session.lags[conversation] = .unsure(after: place, since: now)
    }
    for user in room.sessions.compactMap(\.user) {
      // What was read from the store before that entry is not to be relied on either.
      user.removals[conversation] = User.Removal(sequence: last, heard: last)
      user.memberships.removeAll { $0.room === room }
      if user.sessions.contains(where: { !$0.isLive }) { user.hasChangedWhileLoading = true }
    }
    room.removeSessions { _ in true }
    counters.fanoutsWaiting -= room.fanouts.count
    room.fanouts = []
    forget(room)
  }

  /// Up to where the session has been sent the room's entries, or has heard that it was not.
  private func place(of session: Session, in room: Room, handedOut: UInt64) -> UInt64 {
    switch session.lags[room.conversation] {
    case .ahead(let through): max(through, handedOut)
    case .resuming(let missed): missed.position
    case .shed(let position), .unsure(let position, since: _), .out(let position): position
    case nil: handedOut
    }
  }

  /// The session's user is a member after all.
  func goOn(_ session: Session, in room: Room, after position: UInt64, _ state: ConversationState) {
    announceHidden(state, above: position, to: session)
    resume(session, in: room, after: max(position, state.start))
  }
}
