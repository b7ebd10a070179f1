package import ChatProtocol

// One command of a user who need not be connected, and its answer: what other interfaces than a chat's
// connection ask.

extension Hub {
  /// Answers a command by one event to a session that is nothing else: it is not among the user's, and
  /// gets no messages. Whoever asked says `closed` when it has the answer, or does not wait for it.
  package func asked(_ command: Command, by name: UserID, _ id: SessionID) {
    sessionNumber += 1
    let session = Session(id: id, number: sessionNumber, wantsOwn: false)
    precondition(sessions.updateValue(session, forKey: id) == nil, "a session opened twice")
    counters.sessions = sessions.count
    session.user = users[name] ?? User(id: name)
    session.phase = .live
    session.isAsking = true
    received(command, from: id)
  }
}
