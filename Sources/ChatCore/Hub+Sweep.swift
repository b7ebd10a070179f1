import ChatProtocol

// The heads of a connected user's conversations are compared with what was handed out: once a
// minute, and when the bus or the registry may have lost something; while the bus is away every two
// seconds. What is missing is fetched.

extension Hub {
  func scheduleSweep(_ user: User, at time: Int64) {
    user.sweepAt = time
    alarms.set(.sweep(user.id), at: time)
  }

  /// All users, as fast as `sweepsPerSecondMax` allows.
  func sweepAll() {
    scheduleSweeps(users.values.filter(\.isLoaded).sorted { $0.id < $1.id })
  }

  /// Those who are here of the room, at the same pace.
  func sweep(_ room: Room) {
    var seen: Set<UserID> = []
    scheduleSweeps(room.sessions.compactMap(\.user).filter { seen.insert($0.id).inserted })
  }

  private func scheduleSweeps(_ users: [User]) {
    let interval = Int64.interval(perSecond: limits.sweepsPerSecondMax)
    for (index, user) in users.enumerated() {
      scheduleSweep(user, at: now + Int64(index) * interval)
    }
  }

  func sweep(_ id: UserID, scheduledAt time: Int64) {
    guard let user = users[id], user.sweepAt == time else { return }
    guard !user.isBeingSwept else {
      user.isSweepDue = true
      user.sweepAt = .max
      return
    }
    user.isBeingSwept = true
    user.sweepAt = .max
    counters.sweeps += 1
    submit(.sweep(user, at: now))
  }

  var sweepInterval: Int64 { isBusAway ? limits.outageSweepInterval : limits.sweepInterval }

  func swept(_ user: User, readAt time: Int64, _ result: StoreReply.Result) {
    let next = user.isSweepDue ? now : min(user.sweepAt, now + jittered(sweepInterval))
    user.isBeingSwept = false
    user.isSweepDue = false
    guard user.sessions.contains(where: \.isLive) else {
      // Rooms are entered by live sessions. Where there is none, its load begins with all this.
      if !user.sessions.isEmpty { user.hasChangedWhileLoading = true }
      return
    }
    guard case .conversations(let read) = result else {
      counters.unavailable += 1
      scheduleSweep(user, at: min(user.sweepAt, now + jittered(limits.readPauseMax)))
      return
    }
    scheduleSweep(user, at: next)
    let states = user.current(read, readAt: time)
    let isComplete = read.count < limits.conversationsMax
    compareMemberships(user, states, readAt: time, isComplete: isComplete)
    compareHeads(user, states, isComplete: isComplete)
  }

  /// Whose place in the conversation is the user's: a room's members have one place.
  func audience(of user: User, in conversation: ConversationID) -> Audience {
    guard conversation.isRoom, let room = rooms[conversation] else { return user }
    return room
  }

  /// - Parameter isComplete: whether the user has no others.
  func compareHeads(_ user: User, _ states: [ConversationState], isComplete: Bool) {
    if !isComplete { user.isComplete = false }
    for state in states where !state.conversation.isRoom || rooms[state.conversation] != nil {
      let audience = audience(of: user, in: state.conversation)
      guard let cursor = audience.cursor(in: state.conversation) else {
        // Its place was not kept; it moved up because it was written to.
        announce(Gap(after: 0, before: state.head + 1), state.conversation, to: audience)
        setCursor(audience, state.conversation, to: state.head)
        continue
      }
      if state.head > cursor { expect(state.head, in: state.conversation, for: audience) }
    }
  }
}
