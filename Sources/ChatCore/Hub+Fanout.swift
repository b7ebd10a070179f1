import ChatProtocol
import DequeModule

// A room's entries out. A large room's go to some of its sessions in each turn, so that one message does
// not hold up everybody else on the loop; its entries stay in order, because the next one waits until
// the one before is through.

extension Hub {
  /// The entry is next in the room.
  func handOut(_ message: Message, toRoom room: Room, origin: SessionID?) {
    let change = message.roomChange
    if let change { apply(additionsOf: change, by: message.sender, at: message.sequence, to: room) }
    let removed = change.flatMap { prepare(removalOf: $0, by: message, from: room) }
    if isHandedInShares(room) {
      queue(.message(message, origin: origin), in: room)
    } else {
      send(message, to: room.sessions[...], of: room, origin: origin)
    }
    // Behind it: whoever is taken out of a room is told so.
    if let removed { apply(removalOf: removed, at: message.sequence, from: room) }
  }

  func isHandedInShares(_ room: Room) -> Bool {
    !room.fanouts.isEmpty || room.sessions.count > limits.fanoutSessionsMax
  }

  func queue(_ fanout: Room.Fanout, in room: Room) {
    if room.fanouts.isEmpty { roomsFanningOut.append(room) }
    room.fanouts.append(fanout)
    counters.fanoutsWaiting += 1
    let max = counters.fanoutsWaiting < limits.fanoutsMax ? limits.fanoutsPerRoomMax : 1
    if room.fanouts.count > max { condense(room) }
  }

  /// More comes into the room than can be handed out: a `gap` takes the place of what waits, which
  /// clients then read when somebody looks. Whom one of the entries has taken out was told so at once
  /// (`bidFarewell`), and whom one has brought in begins with the gap, from that entry on.
  private func condense(_ room: Room) {
    // The first may be half-way.
    let waiting = room.fanouts.dropFirst()
    guard let next = waiting.first?.gap else { return }
    let gap = waiting.dropFirst().reduce(next) { $0.joined(with: $1.gap) }
    counters.fanoutsWaiting -= waiting.count - 1
    counters.condensed += waiting.count { if case .message = $0 { true } else { false } }
    room.fanouts.removeLast(waiting.count)
    room.fanouts.append(.gap(gap))
  }

  /// This turn's share of what is under way, of each room in its turn.
  func fanOut() {
    var left = limits.fanoutSessionsMax
    while left > 0, let room = roomsFanningOut.popFirst() {
      left -= fanOut(room, max: left)
      if !room.fanouts.isEmpty { roomsFanningOut.append(room) }
    }
  }

  /// Gives to how many sessions something was sent, or would have been.
  private func fanOut(_ room: Room, max: Int) -> Int {
    var done = 0
    while done < max, let fanout = room.fanouts.first {
      let start = room.handedFirst
      let end = min(start + max - done, room.sessions.count)
      hand(fanout, to: room.sessions[start..<end], in: room)
      done += Swift.max(end - start, 1)
      if end == room.sessions.count {
        room.fanouts.removeFirst()
        room.handedFirst = 0
        counters.fanoutsWaiting -= 1
      } else {
        room.handedFirst = end
      }
    }
    return done
  }

  /// The session gets now what is on its way to it, because it is about to be taken out of the room.
  ///
  /// - Parameter index: its own among the room's sessions.
  func finishFanouts(toSessionAt index: Int, in room: Room) {
    let session = room.sessions[index...index]
    for fanout in room.fanouts(toSessionAt: index) { hand(fanout, to: session, in: room) }
  }

  private func hand(_ fanout: Room.Fanout, to sessions: ArraySlice<Session>, in room: Room) {
    switch fanout {
    case .message(let message, let origin): send(message, to: sessions, of: room, origin: origin)
    case .gap(let gap): send(gap, room.conversation, to: sessions)
    }
  }

  /// The session is where its audience is. Of a room that still hands out what is below the cursor it
  /// has had that: it is told that it is ahead.
  func settle(_ session: Session, in conversation: ConversationID) {
    session.lags[conversation] = nil
    guard conversation.isRoom, let room = rooms[conversation], !room.fanouts.isEmpty,
      let cursor = room.cursor(in: conversation)
    else { return }
    session.lags[conversation] = .ahead(through: cursor)
  }
}

extension Message {
  /// What a `room` entry says; nil for any other.
  fileprivate var roomChange: RoomChange? {
    guard kind == .room else { return nil }
    return content.withBody { RoomChange(body: $0) }
  }
}
