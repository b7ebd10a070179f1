import ChatProtocol

// Holes: a message is missing below one that is known. It is mostly on its way, on another road;
// if it does not come within `holeDelay` the store is asked for it.

extension Hub {
  /// There is something above the cursor: held, or known by its number.
  func openHole(_ audience: Audience, _ conversation: ConversationID) {
    guard let hole = audience.holes[conversation], hole.fetchAt == 0 else { return }
    counters.holes += 1
    scheduleFetch(audience, conversation, after: limits.holeDelay)
  }

  /// The store has messages up to `head`.
  func expect(_ head: UInt64, in conversation: ConversationID, for audience: Audience) {
    let target = audience.holes[conversation]?.target ?? 0
    audience.holes[conversation, default: Hole()].target = max(target, head)
    openHole(audience, conversation)
  }

  private func scheduleFetch(
    _ audience: Audience, _ conversation: ConversationID, after delay: Int64
  ) {
    audience.holes[conversation]?.fetchAt = now + delay
    alarms.set(.hole(audience, conversation), at: now + delay)
  }

  /// After the load: what arrived meanwhile is old, or next, or shows that something is missing.
  func settleHolesHeldWhileLoading(_ audience: Audience) {
    for conversation in audience.holes.keys.sorted() {
      handOutHeld(audience, conversation)
      openHole(audience, conversation)
    }
  }

  /// The cursor moved, or is known now: hands out what is next, and forgets a hole that is closed.
  func handOutHeld(_ audience: Audience, _ conversation: ConversationID) {
    guard var hole = audience.holes.removeValue(forKey: conversation) else { return }
    if audience.cursor(in: conversation) == nil, let lowest = hole.lowestHeld {
      announce(Gap(after: 0, before: lowest), conversation, to: audience)
      setCursor(audience, conversation, to: lowest - 1)
    }
    guard var cursor = audience.cursor(in: conversation) else { return }
    let before = cursor
    while let held = hole.takeLowest(upTo: cursor + 1) {
      audience.messagesHeld -= 1
      guard held.message.sequence > cursor else { continue }
      cursor = held.message.sequence
      setCursor(audience, conversation, to: cursor)
      handOut(held.message, to: audience, origin: held.origin)
    }
    guard hole.target > cursor else { return forgetIfEmpty(audience) }
    if cursor > before { hole.wasClosed(upTo: cursor) }
    audience.holes[conversation] = hole
    // A new hole above the old one gets its own time.
    if cursor > before, hole.fetchAt != 0, !hole.isFetching {
      scheduleFetch(audience, conversation, after: limits.holeDelay)
    }
  }

  func checkHole(_ audience: Audience, _ conversation: ConversationID) {
    guard !audience.isForgotten, let hole = audience.holes[conversation], !hole.isFetching,
      hole.fetchAt <= now
    else { return }
    fetchHole(audience, conversation)
  }

  private func fetchHole(_ audience: Audience, _ conversation: ConversationID) {
    guard let hole = audience.holes[conversation], let cursor = audience.cursor(in: conversation)
    else {
      return
    }
    guard hole.fetched < limits.holeMessagesMax, hole.vain.answered < limits.vainReadsMax else {
      jump(over: hole, from: cursor, audience, conversation)
      return
    }
    counters.holeReads += 1
    audience.holes[conversation]?.isFetching = true
    audience.holes[conversation]?.vain.begin(at: now)
    submit(
      .hole(
        audience, conversation, after: cursor, before: hole.lowestHeld ?? hole.target + 1,
        limit: min(limits.holePageMax, limits.holeMessagesMax - hole.fetched)))
  }

  func readHole(
    _ audience: Audience, _ conversation: ConversationID, limit: Int, _ result: StoreReply.Result
  ) {
    guard !audience.isForgotten, audience.holes[conversation] != nil else { return }
    let cursor = audience.cursor(in: conversation)
    var count = 0
    if case .messages(let messages, let lowWaterMark) = result {
      count = messages.count
      skip(upTo: lowWaterMark, audience, conversation)
      guard !audience.isForgotten else { return }
      accept(messages, for: audience)
    }
    guard var hole = audience.holes[conversation] else { return }
    hole.isFetching = false
    hole.fetched += count
    let hasMoved = audience.cursor(in: conversation) != cursor
    if hasMoved {
      hole.vain = VainReads()
    } else {
      hole.vain.note(result, storeAnsweredAt: storeAnsweredAt, at: now)
    }
    audience.holes[conversation] = hole
    if hasMoved, count == limit {
      fetchHole(audience, conversation)
    } else {
      scheduleFetch(audience, conversation, after: hole.vain.pause(limits))
    }
  }

  /// Messages that were read from the store, in rising order.
  ///
  /// Ends before one that a session here has sent and has no answer for: the `ack` is its echo, and
  /// comes before whatever is behind it. What is left is fetched again.
  func accept(_ messages: [Message], for audience: Audience) {
    var unanswered: Set<SendKey>?
    for message in messages {
      let origin = audience.holes[message.conversation]?.origin(of: message.sequence)
      if origin == nil, isUnanswered(message, &unanswered) {
        return expect(message.sequence, in: message.conversation, for: audience)
      }
      accept(message, for: audience, origin: origin)
    }
  }

  /// - Parameter unanswered: the sends under way, collected when first needed.
  private func isUnanswered(_ message: Message, _ unanswered: inout Set<SendKey>?) -> Bool {
    // The echo of a change of a room is its entry.
    guard message.kind != .room, users[message.sender] != nil else { return false }
    let sends =
      unanswered ?? Set(appends.requests.lazy.map { SendKey($0.sender, $0.content) })
    unanswered = sends
    return sends.contains(SendKey(message.sender, message.content))
  }

  /// What is missing below the mark has been removed: a `gap` says so. What is held is still handed
  /// out.
  private func skip(
    upTo lowWaterMark: UInt64, _ audience: Audience, _ conversation: ConversationID
  ) {
    guard let hole = audience.holes[conversation], let cursor = audience.cursor(in: conversation),
      lowWaterMark > cursor
    else { return }
    if let room = audience as? Room { return abandon(room, knowingNothingUpTo: lowWaterMark) }
    let last = min(lowWaterMark, hole.lowestHeld.map { $0 - 1 } ?? lowWaterMark)
    announce(
      Gap(after: cursor, before: last + 1, cause: .removal), conversation, to: audience)
    setCursor(audience, conversation, to: last)
    handOutHeld(audience, conversation)
  }

  /// Gives a hole up: a `gap` says so, and the flow goes on above it.
  private func jump(
    over hole: Hole, from cursor: UInt64, _ audience: Audience, _ conversation: ConversationID
  ) {
    let before = hole.lowestHeld ?? hole.target + 1
    if let room = audience as? Room { return abandon(room, knowingNothingUpTo: before - 1) }
    announce(Gap(after: cursor, before: before), conversation, to: audience)
    setCursor(audience, conversation, to: before - 1)
    audience.holes[conversation]?.vain = VainReads()
    audience.holes[conversation]?.fetched = 0
    handOutHeld(audience, conversation)
  }
}

/// What tells a send from all others.
private struct SendKey: Hashable {
  let sender: UserID
  let clientID: String

  init(_ sender: UserID, _ content: MessageContent) {
    self.sender = sender
    clientID = content.clientID
  }
}
