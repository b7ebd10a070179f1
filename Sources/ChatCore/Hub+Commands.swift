package import ChatProtocol
import DequeModule

// Commands come in: in order, no more under way than the limits say, the others deferred.

extension Hub {
  package func received(_ command: consuming Command, from id: SessionID) {
    guard let session = sessions[id] else { return }
    switch session.phase {
    case .awaitingHello:
      guard case .hello(let hello) = command else {
        fail(session, command.requestID, .badRequest, "say hello first")
        close(session, .badProtocol, "no hello")
        return
      }
      self.hello(session, hello)
    case .registering, .loading:
      deferCommand(command, of: session)
    case .live:
      if session.deferred.isEmpty, admits(command, session) {
        run(command, session)
        updateReading(session)
      } else {
        deferCommand(command, of: session)
      }
    case .closed:
      break
    }
  }

  /// A frame that was no command. `isMalformed`: it was no JSON object, or not well-formed, and counts;
  /// with the tenth such in a minute the session is closed.
  package func rejected(
    _ id: RequestID?, _ code: ErrorCode, _ message: String, isMalformed: Bool,
    from sessionID: SessionID
  ) {
    guard let session = sessions[sessionID], session.isOpen else { return }
    fail(session, id, code, message)
    if case .awaitingHello = session.phase {
      close(session, .badProtocol, "no hello")
      return
    }
    guard isMalformed else { return }
    counters.malformed += 1
    if now - session.malformedSince >= limits.malformedFramesWindow {
      session.malformedSince = now
      session.malformedFrames = 0
    }
    session.malformedFrames += 1
    if session.malformedFrames >= limits.malformedFramesMax {
      close(session, .badProtocol, "too many malformed frames")
    }
  }

  private func run(_ command: consuming Command, _ session: Session) {
    guard let user = session.user else { return }
    switch consume command {
    case .hello(let hello):
      fail(session, hello.id, .badRequest, "hello was said already")
    case .send(let send):
      self.send(send, session, user)
    case .changeRoom(let change):
      changeRoom(change, session, user)
    case .members(let members):
      session.queriesInFlight += 1
      submit(.members(session, members))
    case .mark(let mark):
      self.mark(mark, session, user)
    case .typing(let to):
      typing(to, session, user)
    case .setPresence(let id, let state):
      setPresence(state, id, session, user)
    case .watchPresence(let id, let users):
      watch(users, id, session)
    case .history(let history):
      session.queriesInFlight += 1
      submit(.history(session, history))
    case .conversations(let id):
      session.queriesInFlight += 1
      submit(.conversations(session, id, user.id))
    case .ping(let id):
      effects.send(.pong(id), to: session.id)
    case .resume(let id, let resume):
      self.resume(session, id, resume)
    case .unknown(let id, type: _):
      fail(session, id, .badRequest, "unknown type")
    }
  }

  private func admits(_ command: Command, _ session: Session) -> Bool {
    if session.isCongested { return false }
    switch command {
    case .send, .changeRoom:
      guard let user = session.user, knowsAllowance(of: user) else {
        if session.isAsking { session.user?.askers.append(session) }
        return false
      }
      guard session.sendsInFlight < limits.sendsInFlightMax else { return false }
      guard counters.appendsInFlight >= limits.appendsInFlightMax else { return true }
      stall(session)
      return false
    case .history, .conversations, .members:
      return session.queriesInFlight < limits.queriesInFlightMax
    case .resume:
      // The missed messages on their way are through first: none of them is left out.
      return session.resumption == nil
    case .mark:
      return session.marksInFlight < limits.marksInFlightMax
    case .watchPresence(_, let users):
      return admitsWatch(of: users.count, session)
    case .hello, .ping, .typing, .setPresence, .unknown:
      return true
    }
  }

  // MARK: - Deferring

  private func deferCommand(_ command: Command, of session: Session) {
    guard session.deferred.count < limits.commandsDeferredMax else {
      fail(session, command.requestID, .unavailable, "too many commands under way")
      close(session, .overloaded, "too many commands under way")
      return
    }
    session.deferred.append(command)
    updateReading(session)
  }

  /// Goes on with the deferred commands as far as the limits allow now.
  func runDeferred(_ session: Session) {
    while session.isLive, let command = session.deferred.first, admits(command, session) {
      session.deferred.removeFirst()
      run(command, session)
    }
    // It has grown to the longest that it ever was.
    if session.deferred.isEmpty { session.deferred = [] }
    updateReading(session)
  }

  private func stall(_ session: Session) {
    guard !session.isStalled else { return }
    session.isStalled = true
    stalled.append(session)
  }

  /// Appends were answered: sessions that waited for room go on.
  func runStalled() {
    while counters.appendsInFlight < limits.appendsInFlightMax, let session = stalled.popFirst() {
      session.isStalled = false
      runDeferred(session)
    }
  }

  func updateReading(_ session: Session) {
    guard session.isOpen else { return }
    let isPaused = !session.deferred.isEmpty || session.isCongested
    guard isPaused != session.isPaused else { return }
    session.isPaused = isPaused
    effects.pauses.append(Effects.ReadingChange(session: session.id, isReading: !isPaused))
  }

  func fail(
    _ session: Session, _ id: RequestID?, _ code: ErrorCode, _ message: String,
    retryAfter milliseconds: Int? = nil
  ) {
    let retryAfter = milliseconds ?? (code == .unavailable ? limits.retryAfterMilliseconds : nil)
    effects.send(
      .error(id, code, message: message, retryAfterMilliseconds: retryAfter), to: session.id)
  }
}

extension Command {
  fileprivate var requestID: RequestID? {
    switch self {
    case .hello(let hello): hello.id
    case .send(let send): send.id
    case .history(let history): history.id
    case .mark(let mark): mark.id
    case .changeRoom(let change): change.id
    case .members(let members): members.id
    case .typing: nil
    case .setPresence(let id, _), .watchPresence(let id, _): id
    case .conversations(let id), .ping(let id), .resume(let id, _), .unknown(let id, type: _): id
    }
  }
}
