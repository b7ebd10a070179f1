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
  @discardableResult
  func enter(_ session: Session, _ user: User, _ state: ConversationState) -> Room? {
    guard let summary = state.room,
      let room = room(state.conversation, head: state.head, memberCount: summary.memberCount)
    else { return nil }
    room.count(summary.memberCount, at: state.head)
    if user.membership(in: room) == nil {
      user.removals[state.conversation] = nil
      user.memberships.append(
        .init(
          room: room, since: summary.since, joined: summary.joined, knownSince: now))
    }
    if !room.sessions.contains(where: { $0 === session }) { room.sessions.append(session) }
    return room
  }

  /// All sessions of a user who is a member by the entry at `sequence`, which is next.
  private func enter(_ user: User, _ room: Room, by sequence: UInt64) {
    let removal = user.removals.removeValue(forKey: room.conversation)
    guard user.membership(in: room) == nil else { return }
    user.memberships.append(
      .init(room: room, since: sequence - 1, joined: sequence, knownSince: now))
    for session in user.sessions where session.isLive {
      announceAbsence(since: removal?.heard, until: sequence, to: session, in: room)
      skipFanouts(upTo: sequence - 1, to: session, in: room)
      room.sessions.append(session)
    }
    if user.sessions.contains(where: { !$0.isLive }) { user.hasChangedWhileLoading = true }
  }

  /// What is still on its way in the room was written before the session's user came.
  private func skipFanouts(upTo last: UInt64, to session: Session, in room: Room) {
    guard !room.fanouts.isEmpty else { return }
    switch session.lags[room.conversation] {
    case .ahead(let through): session.lags[room.conversation] = .ahead(through: max(through, last))
    case nil: session.lags[room.conversation] = .ahead(through: last)
    case .resuming, .shed, .unsure, .out: break
    }
  }

  /// The session has had the entry that took its user out of the room, or came later, and is about to get
  /// the one with which the user came again: what was written between is not for it.
  private func announceAbsence(
    since removal: UInt64?, until joined: UInt64, to session: Session, in room: Room
  ) {
    let conversation = room.conversation
    let place: UInt64
    switch session.lags[conversation] {
    case .out(let position), .unsure(let position, since: _):
      place = position
    default:
      guard let removal else { return }
      // Its device may have been in the room elsewhere.
      if case .ahead(let through) = session.lags[conversation] {
        place = max(removal, through)
      } else {
        place = removal
      }
    }
    session.lags[conversation] = .ahead(through: max(place, joined - 1))
    sendGap(to: session, conversation, after: place, before: joined, .absence)
  }

  /// An entry is about to end the user's membership. Sessions that lag get it now, behind a gap for what
  /// they have not had: there is no later. In a large room all of them do, behind what is on its way to
  /// them: the entry may be one of many that a gap takes the place of.
  private func bidFarewell(_ message: Message, to user: User, in room: Room) {
    let conversation = room.conversation
    // As many as may wait for one session: a user may have any number of them.
    var finishedMax = limits.fanoutsPerRoomMax
    for (index, session) in room.sessions.enumerated()
    where session.user === user && session.isLive {
      switch session.lags[conversation] {
      case .ahead(let through) where through >= message.sequence: continue
      case .out: continue
      case .resuming(let missed):
        dropBehind(conversation, session)
        sendGap(to: session, conversation, after: missed.position, before: message.sequence)
      case .shed(let position), .unsure(let position, since: _):
        sendGap(to: session, conversation, after: position, before: message.sequence)
      case .ahead, nil:
        guard session.isCongested || isHandedInShares(room) else { continue }
        let waiting = room.fanouts(toSessionAt: index).count
        if session.isCongested || waiting > finishedMax {
          leaveOutFanouts(toSessionAt: index, in: room, before: message.sequence)
        } else {
          finishedMax -= waiting
          finishFanouts(toSessionAt: index, in: room)
        }
      }
      counters.delivered += 1
      effects.send(.message(message, conversation: .room(room.name)), to: session.id)
      session.lags[conversation] = .ahead(through: message.sequence)
    }
  }

  /// A gap takes the place of what is on its way to the session.
  private func leaveOutFanouts(toSessionAt index: Int, in room: Room, before sequence: UInt64) {
    let session = room.sessions[index]
    guard var place = room.placeOnTheWay(toSessionAt: index) else { return }
    if case .ahead(let through) = session.lags[room.conversation] { place = max(place, through) }
    sendGap(to: session, room.conversation, after: place, before: sequence)
  }

  private func leave(_ room: Room, _ user: User) {
    user.memberships.removeAll { $0.room === room }
    removeSessions(of: user, from: room)
  }

  /// The user's last session here has gone, or one of several.
  func leaveRooms(_ session: Session, _ user: User) {
    let isElsewhere = user.sessions.contains(where: \.isLive)
    for membership in user.memberships {
      if isElsewhere {
        takeOut(session, user, of: membership.room)
      } else {
        membership.room.removeSessions { $0 === session }
        forgetIfEmpty(membership.room)
      }
    }
  }

  /// One of the user's sessions is in the room no more. When that was the last one, nobody here would hear
  /// of the membership's end.
  func takeOut(_ session: Session, _ user: User, of room: Room) {
    room.removeSessions { $0 === session }
    guard !room.sessions.contains(where: { $0.user === user }) else { return }
    user.memberships.removeAll { $0.room === room }
    if user.sessions.contains(where: { !$0.isLive }) { user.hasChangedWhileLoading = true }
    forgetIfEmpty(room)
  }

  private func removeSessions(of user: User, from room: Room) {
    room.removeSessions { $0.user === user }
    forgetIfEmpty(room)
  }

  /// A room that nobody here is in is forgotten at the end of the turn: entries that are being handed
  /// out may end a membership and begin it again. What is known above the room's place may, too, so it
  /// is waited for.
  func forgetIfEmpty(_ audience: Audience) {
    guard audience.sessions.isEmpty, let room = audience as? Room else { return }
    roomsEmptied.append(room)
  }

  func forgetEmptyRooms() {
    for room in roomsEmptied
    where room.sessions.isEmpty && room.holes.isEmpty && rooms[room.conversation] === room {
      forget(room)
    }
    roomsEmptied = []
    rooms.shrinkIfSparse()
  }

  func forget(_ room: Room) {
    rooms[room.conversation] = nil
    counters.rooms = rooms.count
    room.forget()
    unsubscribe(room.topic)
  }

  /// While a user has no live session here, the rooms that it is in may be forgotten; and a list that was
  /// being read does not have those it came into meanwhile.
  func forgetEndedRooms(of user: User) {
    let count = user.memberships.count
    user.memberships.removeAll { rooms[$0.room.conversation] !== $0.room }
    if user.memberships.count < count { user.hasChangedWhileLoading = true }
  }

  // MARK: - Entries about members

  /// An entry of a room has come: by the bus, from another hub, or from the store.
  func deliverToRoom(_ message: Message, _ recipients: [UserID], origin: SessionID?) {
    let room = rooms[message.conversation]
    if !recipients.isEmpty { askForMemberships(by: message, of: recipients, in: room) }
    if let room { accept(message, for: room, origin: origin) }
  }

  /// Whom the entry makes a member, and where nobody was one before, or which is behind it already. It
  /// may be an old entry that took its time, and what it says not be so any more: the store knows.
  private func askForMemberships(by entry: Message, of recipients: [UserID], in room: Room?) {
    if let room, entry.sequence > room.cursor(in: room.conversation) ?? 0 { return }
    for user in recipients.lazy.compactMap({ self.users[$0] }) {
      if let room, user.membership(in: room) != nil { continue }
      if user.isLoaded { scheduleSweep(user, at: now) } else { user.hasChangedWhileLoading = true }
    }
  }

  func apply(additionsOf change: RoomChange, by actor: UserID, at sequence: UInt64, to room: Room) {
    // A list may name somebody twice, and members.
    let added = Set(change.addsActor ? [actor] + change.added : change.added)
    let members = added.count { users[$0]?.membership(in: room) != nil }
    room.count(change: added.count - members, at: sequence)
    for user in added.sorted().lazy.compactMap({ self.users[$0] }) {
      if user.isLoaded {
        enter(user, room, by: sequence)
      } else {
        user.hasChangedWhileLoading = true
      }
    }
  }

  /// Whose membership here the entry ends, once it is handed out.
  func prepare(removalOf change: RoomChange, by message: Message, from room: Room) -> User? {
    guard let removed = change.removed(by: message.sender) else { return nil }
    room.count(change: -1, at: message.sequence)
    guard let user = users[removed] else { return nil }
    // The store said that the user came back later.
    if let membership = user.membership(in: room) {
      if membership.joined > message.sequence { return nil }
      bidFarewell(message, to: user, in: room)
    }
    return user
  }

  func apply(removalOf user: User, at sequence: UInt64, from room: Room) {
    let former = user.removals[room.conversation]
    let isMember = user.membership(in: room) != nil
    user.removals[room.conversation] = User.Removal(
      sequence: max(sequence, former?.sequence ?? 0),
      heard: isMember ? sequence : former?.heard ?? sequence)
    leave(room, user)
  }

  // MARK: - What a list of the user's conversations says

  /// Rooms that the user is in and of which no entry told in its place. All live sessions get them from
  /// the entry on that made the user a member.
  func enterRooms(_ user: User, _ states: [ConversationState]) {
    for state in states where state.conversation.isRoom {
      if let room = rooms[state.conversation], user.membership(in: room) != nil {
        if let summary = state.room { room.count(summary.memberCount, at: state.head) }
        continue
      }
      let removal = user.removals[state.conversation]
      for session in user.sessions where session.isLive {
        guard let room = enter(session, user, state) else { continue }
        switch session.lags[state.conversation] {
        case .unsure(let position, since: _), .out(let position):
          goOn(session, in: room, after: position, state)
        default:
          let joined = max(state.room?.joined ?? 1, 1)
          announceAbsence(since: removal?.heard, until: joined, to: session, in: room)
          var position = joined - 1
          // Its device may have been in the room elsewhere.
          if case .ahead(let through) = session.lags[state.conversation] {
            position = max(position, through)
          }
          resume(session, in: room, after: position)
        }
      }
    }
  }

  /// As `enterRooms`, and ends memberships of whose end no entry told.
  ///
  /// - Parameter isComplete: whether the user has no other conversations.
  func compareMemberships(
    _ user: User, _ states: [ConversationState], readAt time: Int64, isComplete: Bool
  ) {
    enterRooms(user, states)
    guard isComplete else { return }
    let rooms = Set(states.lazy.map(\.conversation).filter(\.isRoom))
    for membership in user.memberships
    where membership.knownSince < time && !rooms.contains(membership.room.conversation) {
      let room = membership.room
      let ended = user.sessions.filter { session in
        !session.isLive || room.sessions.contains { $0 === session }
      }
      leave(room, user)
      for session in ended { endedUnheard(session) }
    }
    for session in user.sessions where session.isUnsure(besides: rooms, readAt: time) {
      endedUnheard(session)
    }
  }

  /// The entry that says so is not for the user any more, and without it a client would take the next
  /// one, if there is another, for the one behind the last. What is so it is told when it comes back.
  private func endedUnheard(_ session: Session) {
    close(session, .internalError, "a membership has ended")
  }
}

extension Session {
  /// Whether it waits for a membership that is not one of these, which were read later.
  fileprivate func isUnsure(besides rooms: Set<ConversationID>, readAt time: Int64) -> Bool {
    lags.contains { conversation, lag in
      guard case .unsure(after: _, let since) = lag else { return false }
      return since <= time && !rooms.contains(conversation)
    }
  }
}
