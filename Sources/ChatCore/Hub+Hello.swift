package import ChatProtocol

// From the opening of a connection to `ready`: say hello, subscribe, read the log, go live.

extension Hub {
  /// A connection is open. With a `user` (`?user=alice`) it has said hello by that.
  ///
  /// - Parameter wantsOwn: the session gets what it sends as a message too, not as `ack` alone.
  package func opened(_ id: SessionID, user: UserID?, wantsOwn: Bool = false) {
    sessionNumber += 1
    let session = Session(id: id, number: sessionNumber, wantsOwn: wantsOwn)
    precondition(sessions.updateValue(session, forKey: id) == nil, "a session opened twice")
    counters.sessions = sessions.count
    if drainEnd != nil {
      effects.send(.reconnect(afterMilliseconds: 0), to: id)
      close(session, .draining, "the node is stopping")
    } else if let user {
      hello(
        session, Command.Hello(id: nil, user: user, token: nil, device: nil, resume: [:]))
    } else {
      alarms.set(.helloTimeout(id), at: now + limits.helloTimeout)
    }
  }

  func helloTimedOut(_ id: SessionID) {
    guard let session = sessions[id], case .awaitingHello = session.phase else { return }
    close(session, .helloTimeout, "no hello in time")
  }

  func hello(_ session: Session, _ hello: Command.Hello) {
    guard hello.token == nil, let name = hello.user else {
      let message =
        hello.token == nil ? "hello needs a user" : "no tokens here: say hello with a user"
      fail(session, hello.id, .unauthorized, message)
      close(session, .unauthorized, "not authorized")
      return
    }
    session.device = hello.device ?? "d-" + String(random.next(), radix: 36)
    session.helloAt = now
    let handshake = Session.Handshake(id: hello.id, resume: hello.resume)
    replaceSession(of: name, device: session.device)
    guard users[name]?.sessions.count ?? 0 < limits.sessionsPerUserMax else {
      fail(session, hello.id, .rateLimited, "too many connections of this user")
      close(session, .rateLimited, "too many connections of this user")
      return
    }
    attach(session, to: name)
    if node.shardCount > 1 {
      effects.localDeliveries.append(
        .claimed(name, device: session.device, at: now, shard: node.shard))
    }
    if isAlone {
      session.phase = .loading(handshake)
      submit(.load(session, at: now))
    } else {
      session.phase = .registering(handshake)
      requestRegistration(of: session, user: name)
    }
  }

  private func attach(_ session: Session, to name: UserID) {
    if let user = users[name] {
      user.sessions.append(session)
      session.user = user
      // Whoever was away on all devices is there again.
      tellPresence(of: name)
      return
    }
    let user = User(id: name)
    user.sessions.append(session)
    session.user = user
    users[name] = user
    counters.users = users.count
    arrived(user)
  }

  /// The answer to a load: where each conversation stands.
  func loaded(_ session: Session, readAt time: Int64, _ result: StoreReply.Result) {
    guard case .loading(let handshake) = session.phase, let user = session.user else { return }
    guard case .conversations(let read) = result else {
      counters.unavailable += 1
      fail(session, handshake.id, .unavailable, "the store is out of reach")
      close(session, .overloaded, "the store is out of reach")
      return
    }
    let states = user.current(read, readAt: time)
    let isComplete = read.count < limits.conversationsMax
    let wasLoaded = user.isLoaded
    if wasLoaded {
      forgetEndedRooms(of: user)
      enterRooms(user, states)
    } else {
      establish(user, states, isComplete: isComplete)
    }
    for state in states {
      if state.conversation.isRoom { enter(session, user, state) }
      noteTold(state, to: user.id)
    }
    let loaded = LoadedConversations(
      states, resume: handshake.resume, readAt: time,
      isComplete: isComplete)
    place(session, user, loaded)
    session.phase = .live
    effects.send(.ready(ready(session, user, states, handshake.id)), to: session.id)
    announceHidden(session, user, loaded)
    if !isComplete { announceUnknown(session, user, loaded) }
    if wasLoaded {
      compareHeads(user, states, isComplete: isComplete)
    } else {
      settleHolesHeldWhileLoading(user)
    }
    if user.hasChangedWhileLoading {
      user.hasChangedWhileLoading = false
      scheduleSweep(user, at: now)
    }
    resumeMore(session)
    runDeferred(session)
  }

  private func establish(_ user: User, _ states: [ConversationState], isComplete: Bool) {
    user.isLoaded = true
    user.isComplete = isComplete
    user.cursors = ConversationCursors(
      states.lazy.filter { !$0.conversation.isRoom }
        .map { .init(conversation: $0.conversation, sequence: $0.head) })
    scheduleSweep(user, at: now + jittered(sweepInterval))
  }

  private func ready(
    _ session: Session, _ user: User, _ states: [ConversationState], _ id: RequestID?
  ) -> Event.Ready {
    Event.Ready(
      id: id, user: user.id, device: session.device, session: connectionName(of: session),
      node: node.id.name, pingMilliseconds: limits.pingMilliseconds,
      conversations: states.map { summary($0, for: user.id) },
      limits: Event.Limits(
        frameBytes: limits.frameBytesMax, textBytes: Command.Send.bodyBytesMax,
        sendsPerMinute: limits.sendsPerMinute))
  }

  func summary(_ state: ConversationState, for reader: UserID) -> ConversationSummary {
    var room = state.room
    room?.since = state.start
    return ConversationSummary(
      address: state.conversation.address(seenBy: reader), head: state.head,
      received: state.received, read: state.read, unread: state.unread, peer: state.peer,
      room: room)
  }

  /// The session's name in the registry: unique within the epoch of the node.
  func connectionName(of session: Session) -> String {
    "s\(node.shard)-" + String(session.number, radix: 36)
  }

  /// Around `span`, a quarter less or more.
  func jittered(_ span: Int64) -> Int64 {
    span - span / 4 + Int64(random.next() % UInt64(max(span / 2, 1)))
  }
}
