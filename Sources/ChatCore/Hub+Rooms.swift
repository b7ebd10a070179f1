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
      user.memberships.append(.init(room: room, since: summary.since, knownSince: now))
    }
    if !room.sessions.contains(where: { $0 === session }) { room.sessions.append(session) }
  }

  /// All sessions of a user who is a member from the entry at `sequence` on, which is next.
  private func enter(_ user: User, _ room: Room, since: UInt64) {
    guard user.membership(in: room) == nil else { return }
    user.memberships.append(.init(room: room, since: since, knownSince: now))
    for session in user.sessions where session.isLive { room.sessions.append(session) }
    if user.sessions.contains(where: { !$0.isLive }) { user.hasChangedWhileLoading = true }
  }

  func leave(_ room: Room, _ user: User) {
    user.memberships.removeAll { $0.room === room }
    for session in user.sessions { session.lags[room.conversation] = nil }
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
    // Nobody here was a member before it. Who is one by it is among the recipients.
    let added = recipients.compactMap { users[$0] }
    for user in added where !user.isLoaded { user.hasChangedWhileLoading = true }
    guard added.contains(where: \.isLoaded),
      let room = room(message.conversation, head: message.sequence - 1, memberCount: 0)
    else { return }
    accept(message, for: room, origin: origin)
    forgetIfEmpty(room)
  }

  func apply(additionsOf change: RoomChange, by actor: UserID, at sequence: UInt64, to room: Room) {
    let added = change.addsActor ? [actor] + change.added : change.added
    room.memberCount += added.count
    for name in added {
      guard let user = users[name] else { continue }
      if user.isLoaded {
        enter(user, room, since: sequence - 1)
      } else {
        user.hasChangedWhileLoading = true
      }
    }
  }

  func apply(removalOf change: RoomChange, by actor: UserID, to room: Room) {
    guard let removed = change.removed(by: actor) else { return }
    room.memberCount -= 1
    if let user = users[removed] { leave(room, user) }
  }

  // MARK: - What a list of the user's conversations says

  /// Rooms that the user is in, or no longer, of which no entry told. What came meanwhile the sessions
  /// have not had: a gap says so.
  func compareMemberships(_ user: User, _ states: [ConversationState], readAt time: Int64) {
    for state in states where state.conversation.isRoom {
      if let room = rooms[state.conversation], user.membership(in: room) != nil { continue }
      for session in user.sessions where session.isLive {
        enter(session, user, state)
        settle(session, in: state.conversation)
        let since = state.room?.since ?? 0
        sendGap(to: session, state.conversation, after: since, before: state.head + 1)
      }
    }
    guard states.count < limits.conversationsMax else { return }
    let rooms = Set(states.lazy.map(\.conversation).filter(\.isRoom))
    for membership in user.memberships
    where membership.knownSince < time && !rooms.contains(membership.room.conversation) {
      leave(membership.room, user)
    }
  }
}
