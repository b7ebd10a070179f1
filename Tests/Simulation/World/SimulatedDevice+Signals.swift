import ChatProtocol

// How far everybody is, and who is there.
extension SimulatedDevice {
  /// Its user has read what it has.
  func mark(_ address: Address) -> Command {
    let id = nextID()
    let last = place(in: address).last
    marksSent[id] = (address, last)
    return .mark(.init(id: id, to: address, received: last, read: last))
  }

  func says(_ state: PresenceState) -> Command {
    isAway = state == .away
    return .setPresence(nil, state)
  }

  func marks(of member: UserID, in address: Address) -> PeerMarks {
    marks[address]?[member] ?? PeerMarks(received: 0, read: 0)
  }

  func confirmMark(_ id: RequestID) {
    guard let (address, read) = marksSent.removeValue(forKey: id) else { return }
    confirmedMarks[address] = max(confirmedMarks[address] ?? 0, read)
    let known = marks(of: user, in: address)
    marks[address, default: [:]][user] = PeerMarks(
      received: max(known.received, read), read: max(known.read, read))
  }

  func noteMarks(in conversations: [ConversationSummary]) {
    for summary in conversations {
      let own = PeerMarks(received: summary.received, read: summary.read)
      note(own, of: user, in: summary.address)
      if let peer = summary.peer, let other = summary.address.user {
        note(peer, of: other, in: summary.address)
      }
    }
  }

  /// `ready` does not tell of the other members of rooms: a receipt on another connection may be older.
  func forgetMarksOfRooms() {
    for case .room(let name) in marks.keys {
      marks[.room(name)] = marks[.room(name)]?.filter { $0.key == user }
    }
  }

  /// They never fall, whichever way they are told.
  func note(_ marks: PeerMarks, of member: UserID, in address: Address) {
    let known = self.marks(of: member, in: address)
    if marks.received < known.received || marks.read < known.read {
      violates("is told of \(member) in \(address) at \(marks), after \(known)")
    }
    self.marks[address, default: [:]][member] = PeerMarks(
      received: max(known.received, marks.received), read: max(known.read, marks.read))
  }
}
