import ChatProtocol

// Holes: a message is missing below one that is known. It is mostly on its way, on another road;
// if it does not come within `holeDelay` the store is asked for it.

extension Hub {
  /// There is something above the cursor: held, or known by its number.
  func openHole(_ user: User, _ conversation: ConversationID) {
    guard let hole = user.holes[conversation], hole.fetchAt == 0 else { return }
    counters.holes += 1
    scheduleFetch(user, conversation, after: limits.holeDelay)
  }

  /// The store has messages up to `head`.
  func expect(_ head: UInt64, in conversation: ConversationID, for user: User) {
    let target = user.holes[conversation]?.target ?? 0
    user.holes[conversation, default: Hole()].target = max(target, head)
    openHole(user, conversation)
  }

  private func scheduleFetch(_ user: User, _ conversation: ConversationID, after delay: Int64) {
    user.holes[conversation]?.fetchAt = now + delay
    alarms.set(.hole(user, conversation), at: now + delay)
  }

  /// After the load: what arrived meanwhile is old, or next, or shows that something is missing.
  func settleHolesHeldWhileLoading(_ user: User) {
    for conversation in user.holes.keys.sorted() {
      handOutHeld(user, conversation)
      openHole(user, conversation)
    }
  }

  /// The cursor moved, or is known now: hands out what is next, and forgets a hole that is closed.
  func handOutHeld(_ user: User, _ conversation: ConversationID) {
    guard var hole = user.holes.removeValue(forKey: conversation) else { return }
    if user.cursor(in: conversation) == nil, let lowest = hole.lowestHeld {
      announceGap(user, conversation, after: 0, before: lowest)
      setCursor(user, conversation, to: lowest - 1)
    }
    guard var cursor = user.cursor(in: conversation) else { return }
    let before = cursor
    while let held = hole.takeLowest(upTo: cursor + 1) {
      user.messagesHeld -= 1
      guard held.message.sequence > cursor else { continue }
      cursor = held.message.sequence
      setCursor(user, conversation, to: cursor)
      handOut(held.message, to: user, origin: held.origin)
    }
    guard hole.target > cursor else { return }
    if cursor > before { hole.wasClosed(upTo: cursor) }
    user.holes[conversation] = hole
    // A new hole above the old one gets its own time.
    if cursor > before, hole.fetchAt != 0, !hole.isFetching {
      scheduleFetch(user, conversation, after: limits.holeDelay)
    }
  }

  func checkHole(_ user: User, _ conversation: ConversationID) {
    guard !user.sessions.isEmpty, let hole = user.holes[conversation], !hole.isFetching,
      hole.fetchAt <= now
    else { return }
    fetchHole(user, conversation)
  }

  private func fetchHole(_ user: User, _ conversation: ConversationID) {
    guard let hole = user.holes[conversation], let cursor = user.cursor(in: conversation) else {
      return
    }
    guard hole.fetched < limits.holeMessagesMax, hole.attempts < limits.holeAttemptsMax else {
      jump(over: hole, from: cursor, user, conversation)
      return
    }
    counters.holeReads += 1
    user.holes[conversation]?.isFetching = true
    submit(
      .hole(
        user, conversation, after: cursor, before: hole.lowestHeld ?? hole.target + 1,
        limit: min(limits.holePageMax, limits.holeMessagesMax - hole.fetched)))
  }

  func readHole(
    _ user: User, _ conversation: ConversationID, limit: Int, _ result: StoreReply.Result
  ) {
    guard !user.sessions.isEmpty, user.holes[conversation] != nil else { return }
    let cursor = user.cursor(in: conversation)
    var count = 0
    if case .messages(let messages) = result {
      count = messages.count
      var pending: [String: SessionID]?
      for message in messages {
        accept(message, for: user, origin: origin(of: message, user, &pending))
      }
    }
    guard var hole = user.holes[conversation] else { return }
    hole.isFetching = false
    hole.fetched += count
    let hasMoved = user.cursor(in: conversation) != cursor
    hole.attempts = hasMoved ? 0 : hole.attempts + 1
    user.holes[conversation] = hole
    if hasMoved, count == limit {
      fetchHole(user, conversation)
    } else {
      scheduleFetch(
        user, conversation,
        after: min(limits.holeDelay << Int64(hole.attempts), limits.holeDelayMax))
    }
  }

  /// The session of this hub that sent a fetched message, whose echo is its `ack`: had already, or
  /// under way. `pending` are the user's sends without an answer, collected when first needed.
  private func origin(
    of message: Message, _ user: User, _ pending: inout [String: SessionID]?
  ) -> SessionID? {
    guard message.sender == user.id else { return nil }
    let known = user.holes[message.conversation]?.origin(of: message.sequence)
    if let known { return known }
    if pending == nil {
      var sends: [String: SessionID] = [:]
      for send in appends.requests where send.draft.sender == user.id {
        sends[send.draft.content.clientID] = send.session.id
      }
      pending = sends
    }
    return pending?[message.clientID]
  }

  /// Gives a hole up: a `gap` says so, and the flow goes on above it.
  private func jump(
    over hole: Hole, from cursor: UInt64, _ user: User, _ conversation: ConversationID
  ) {
    let before = hole.lowestHeld ?? hole.target + 1
    announceGap(user, conversation, after: cursor, before: before)
    setCursor(user, conversation, to: before - 1)
    user.holes[conversation]?.attempts = 0
    user.holes[conversation]?.fetched = 0
    handOutHeld(user, conversation)
  }
}
