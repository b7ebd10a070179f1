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
    if room.fanouts.isEmpty, room.sessions.count <= limits.fanoutSessionsMax {
      send(message, to: room.sessions[...], of: room, origin: origin)
    } else {
      if room.fanouts.isEmpty { roomsFanningOut.append(room) }
      room.fanouts.append(Room.Fanout(message: message, origin: origin, sessions: room.sessions))
      counters.fanoutsWaiting += 1
    }
    // Behind it: whoever is taken out of a room is told so.
    if let removed { apply(removalOf: removed, at: message.sequence, from: room) }
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
      let end = min(fanout.next + max - done, fanout.sessions.count)
      send(
        fanout.message, to: fanout.sessions[fanout.next..<end], of: room, origin: fanout.origin)
      done += Swift.max(end - fanout.next, 1)
      if end == fanout.sessions.count {
        room.fanouts.removeFirst()
        counters.fanoutsWaiting -= 1
      } else {
        room.fanouts[0].next = end
      }
    }
    return done
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
