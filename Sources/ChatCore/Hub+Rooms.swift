import ChatProtocol

// Which rooms there are on this hub, and which users are in them. A room is here from its first member's
// load, or from the entry that makes somebody a member, until its last member's sessions have gone.
//
// Why no entry is missed. The hub subscribes to the room's topic, waits for the answer, and then reads
// what came since the head that it began with. Who commits an entry asks for the subscribers after the
// commit. So either the hub is among them, or it subscribed later and reads the entry.

extension Hub {
  func room(_ conversation: ConversationID, head: UInt64, memberCount: Int) -> Room? {
    if let room = rooms[conversation] { return room }
    guard let name = conversation.room else { return nil }
    let room = Room(conversation, name: name, head: head, memberCount: memberCount)
    rooms[conversation] = room
    counters.rooms = rooms.count
    subscribe(room)
    return room
  }

  /// The session's user is a member as the store says.
  func enter(_ session: Session, _ user: User, _ state: ConversationState) {
    guard let summary = state.room,
      let room = room(state.conversation, head: state.head, memberCount: summary.memberCount)
    else { return }
    room.memberCount = summary.memberCount
    if user.membership(in: room) == nil {
      user.memberships.append(
        .init(
          room: room, since: summary.since, joined: summary.joined, knownSince: now))
    }
    if !room.sessions.contains(where: { $0 === session }) { room.sessions.append(session) }
  }

  /// All sessions of a user who is a member by the entry at `sequence`, which is next.
  private func enter(_ user: User, _ room: Room, by sequence: UInt64) {
    user.removals[room.conversation] = nil
    guard user.membership(in: room) == nil else { return }
    user.memberships.append(
      .init(room: room, since: sequence - 1, joined: sequence, knownSince: now))
    for session in user.sessions where session.isLive { room.sessions.append(session) }
    if user.sessions.contains(where: { !$0.isLive }) { user.hasChangedWhileLoading = true }
  }

  /// The entry at `sequence` has ended the membership.
  private func leave(_ room: Room, _ user: User, by sequence: UInt64) {
    user.removals[room.conversation] = sequence
    for session in user.sessions {
      // Sessions that have not seen it are told that there was something.
      switch session.lags[room.conversation] {
      case .resuming(let missed):
        dropBehind(room.conversation, session)
        session.lags[room.conversation] = nil
        sendGap(to: session, room.conversation, after: missed.position, before: sequence + 1)
      case .ahead:
        session.lags[room.conversation] = nil
      case .shed, nil:
        // What was shed is told when the session is not congested any more.
        break
      }
    }
    leave(room, user)
  }

  private func leave(_ room: Room, _ user: User) {
    user.memberships.removeAll { $0.room === room }
    removeSessions(of: user, from: room)
  }

  /// The user's last session here has gone, or one of several.
  func leaveRooms(_ session: Session, _ user: User) {
    for membership in user.memberships {
      let room = membership.room
      room.sessions.removeAll { $0 === session }
      forgetIfEmpty(room)
    }
  }

  private func removeSessions(of user: User, from room: Room) {
    room.sessions.removeAll { $0.user === user }
    forgetIfEmpty(room)
  }

  private func forgetIfEmpty(_ room: Room) {
    guard room.sessions.isEmpty, rooms[room.conversation] === room else { return }
    rooms[room.conversation] = nil
    rooms.shrinkIfSparse()
    counters.rooms = rooms.count
    room.forget()
    unsubscribe(room.topic)
  }

  // MARK: - Entries about members

  /// An entry of a room has come: by the bus, from another hub, or from the store.
  func deliverToRoom(_ message: Message, _ recipients: [UserID], origin: SessionID?) {
    if let room = rooms[message.conversation] {
      return accept(message, for: room, origin: origin)
    }
    // Nobody here was a member before it. Who is one by it is among the recipients; but it may be an
    // old entry that took its time, and what it says not be so any more. The store knows.
    for user in recipients.lazy.compactMap({ self.users[$0] }) {
      if user.isLoaded { scheduleSweep(user, at: now) } else { user.hasChangedWhileLoading = true }
    }
  }

  func apply(additionsOf change: RoomChange, by actor: UserID, at sequence: UInt64, to room: Room) {
    let added = change.addsActor ? [actor] + change.added : change.added
    room.memberCount += added.count
    for name in added {
      guard let user = users[name] else { continue }
      if user.isLoaded {
        enter(user, room, by: sequence)
      } else {
        user.hasChangedWhileLoading = true
      }
    }
  }

  func apply(removalOf change: RoomChange, by actor: UserID, at sequence: UInt64, to room: Room) {
    guard let removed = change.removed(by: actor) else { return }
    room.memberCount -= 1
    guard let user = users[removed] else { return }
    if let membership = user.membership(in: room), membership.joined > sequence { return }
    leave(room, user, by: sequence)
  }

  // MARK: - What a list of the user's conversations says

  /// Rooms that the user is in, or no longer, of which no entry told in its place. The sessions get them
  /// from the entry on that made the user a member.
  func compareMemberships(_ user: User, _ states: [ConversationState], readAt time: Int64) {
    for state in states where state.conversation.isRoom {
      if let room = rooms[state.conversation], user.membership(in: room) != nil { continue }
      for session in user.sessions where session.isLive {
        enter(session, user, state)
        let first = max(state.room?.joined ?? 1, 1)
        resume(session, in: state.conversation, after: first - 1)
      }
    }
    guard states.count < limits.conversationsMax else { return }
    let rooms = Set(states.lazy.map(\.conversation).filter(\.isRoom))
    for membership in user.memberships
    where membership.knownSince < time && !rooms.contains(membership.room.conversation) {
      leave(membership.room, user)
      // The entry that says so is not for the user any more, and without it a client would take the next
      // one, if there is another, for the one behind the last. What is so it is told when it comes back.
      for session in user.sessions { close(session, .internalError, "a membership has ended") }
    }
  }
}
