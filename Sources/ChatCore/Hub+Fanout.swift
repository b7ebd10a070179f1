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
      queue(.message(message, origin: origin), in: room)
    }
    // Behind it: whoever is taken out of a room is told so.
    if let removed { apply(removalOf: removed, at: message.sequence, from: room) }
  }

  func queue(_ item: Room.Fanout.Item, in room: Room) {
    if room.fanouts.isEmpty { roomsFanningOut.append(room) }
    room.fanouts.append(Room.Fanout(item: item, sessions: room.sessions))
    counters.fanoutsWaiting += 1
    let max = counters.fanoutsWaiting < limits.fanoutsMax ? limits.fanoutsPerRoomMax : 1
    if room.fanouts.count > max { condense(room) }
  }

  /// More comes into the room than can be handed out: a `gap` takes the place of the messages that wait,
  /// which clients then read when somebody looks. What says who is in the room stays, because for whom it
  /// takes out there is no later.
  private func condense(_ room: Room) {
    var rest: Deque<Room.Fanout> = []
    for (index, fanout) in room.fanouts.enumerated() {
      // The first may be half-way.
      guard index > 0, let gap = fanout.gap else {
        rest.append(fanout)
        continue
      }
      if rest.count > 1, case .gap(let last) = rest[rest.count - 1].item {
        rest[rest.count - 1].item = .gap(last.joined(with: gap))
        rest[rest.count - 1].sessions = fanout.sessions
      } else {
        rest.append(Room.Fanout(item: .gap(gap), sessions: fanout.sessions))
      }
    }
    counters.fanoutsWaiting -= room.fanouts.count - rest.count
    room.fanouts = rest
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
      hand(fanout.item, to: fanout.sessions[fanout.next..<end], in: room)
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

  /// The session gets now what is on its way to it, up to the entry that took its user out of the room.
  /// It is about to be told what comes behind that.
  func finishFanouts(to session: Session, in room: Room, upTo removal: UInt64) {
    for fanout in room.fanouts {
      guard fanout.start < removal else { return }
      guard fanout.sessions[fanout.next...].contains(where: { $0 === session }) else { continue }
      hand(fanout.item, to: [session], in: room)
    }
  }

  private func hand(_ item: Room.Fanout.Item, to sessions: ArraySlice<Session>, in room: Room) {
    switch item {
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

extension Room.Fanout {
  /// What a `gap` in its place says; nil for an entry about members.
  fileprivate var gap: Gap? {
    switch item {
    case .gap(let gap): gap
    case .message(let message, _) where message.kind == .room: nil
    case .message(let message, _): Gap(after: message.sequence - 1, before: message.sequence + 1)
    }
  }
}

extension Message {
  /// What a `room` entry says; nil for any other.
  fileprivate var roomChange: RoomChange? {
    guard kind == .room else { return nil }
    return content.withBody { RoomChange(body: $0) }
  }
}
