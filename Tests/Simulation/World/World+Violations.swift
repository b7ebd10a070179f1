import ChatCore
import ChatProtocol

// What must hold in the end: every device has every message, in order, once.
extension World {
  func findViolations() {
    for node in nodes where !scenario.allowsRepair {
      let reads = node.hubs.map(\.hub.counters.holeReads)
      if reads != [0, 0] { violations.append("\(node.id) read the store \(reads) times") }
    }
    for device in devices {
      violations += device.takeViolations()
      if !device.isReady { violations.append("\(device) is not connected") }
      // Who is told of nothing may not know.
      if nodes.count > 1, !handoversLost.contains("\(device)"),
        registry.owner(of: device.user, device: device.name)?.connection != device.connection
      {
        violations.append("\(device) is not registered")
      }
      if !device.unacked.isEmpty {
        violations.append("\(device) has no ack for \(device.unacked.map(\.cid))")
      }
      for ack in device.acks {
        let conversation = ConversationID(ack.sent.to, seenBy: device.user)
        let log = store.logs[conversation] ?? []
        let stored = log.filter { $0.clientID == ack.cid && $0.sender == device.user }
        if stored.map(\.sequence) != [ack.sequence] || stored.first?.body != ack.sent.body
          || stored.first?.kind != ack.sent.kind || stored.first?.reference != ack.sent.target
        {
          violations.append("\(device) has an ack for \(ack.cid), which is not stored so")
        }
      }
      for conversation in store.conversations(of: device.user) {
        violations += missing(conversation, device)
      }
      violations += lostMarks(of: device)
      for room in device.rooms
      where !store.isMember(device.user, of: ConversationID(room, seenBy: device.user)) {
        violations.append("\(device) was not told that it is out of \(room)")
      }
    }
  }

  /// A mark that was answered with `ok` is stored.
  private func lostMarks(of device: SimulatedDevice) -> [String] {
    device.confirmedMarks.compactMap { address, read in
      let conversation = ConversationID(address, seenBy: device.user)
      let stored = store.marks(of: device.user, in: conversation).read
      return stored >= read ? nil : "\(device) read \(address) \(read), stored is \(stored)"
    }
  }

  /// Who watches knows who is there, unless it was too slow to be told.
  func findMisseenUsers() {
    guard !isBusDown else { return }
    for device in devices where !device.watchList.isEmpty && !device.isSlow {
      violations += misseenUsers(by: device)
    }
  }

  private func misseenUsers(by device: SimulatedDevice) -> [String] {
    users.compactMap { user in
      let state = presence(of: user)
      let seen = device.watched[user]
      return seen == state ? nil : "\(device) sees \(user) \(seen.map { "\($0)" } ?? "not at all")"
    }
  }

  private func presence(of user: UserID) -> PresenceState {
    let devices = devices.filter { $0.user == user }
    guard !devices.isEmpty else { return .offline }
    return devices.allSatisfy(\.isAway) ? .away : .online
  }

  private func missing(_ conversation: ConversationID, _ device: SimulatedDevice) -> [String] {
    let place = device.place(in: conversation.address(seenBy: device.user))
    let since = store.since(device.user, in: conversation)
    let lowWaterMark = store.lowWaterMark(of: conversation)
    if place.removed > lowWaterMark {
      return ["\(device) was told that \(conversation) \(place.removed) is removed"]
    }
    return (store.logs[conversation] ?? []).compactMap { message in
      let number = message.sequence
      if place.shown[number] == message.body || number <= place.old || number <= since {
        return nil
      }
      if place.told.contains(number), place.shown[number] == nil, number <= lowWaterMark {
        return nil
      }
      return "\(device) lacks \(conversation) \(number), at \(place.last)"
    }
  }
  /// All that devices and hubs went through: the same for the same seed.
  package var trace: [String] {
    let acks = devices.map { "\($0) \($0.acks.map { "\($0.cid) \($0.sequence)" })" }
    return (journal ?? []) + acks + nodes.flatMap { $0.hubs.map { "\($0.hub.counters)" } }
  }
}
