import ChatCore
import ChatProtocol

// What must hold in the end: every device has every message, in order, once.
extension World {
  package var violations: [String] {
    var violations: [String] = []
    for node in nodes where !scenario.allowsRepair {
      let reads = node.hubs.map(\.hub.counters.holeReads)
      if reads != [0, 0] { violations.append("\(node.id) read the store \(reads) times") }
    }
    for device in devices {
      violations += device.violations
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
        if stored.map(\.sequence) != [ack.sequence] || stored.first?.body != ack.sent.body {
          violations.append("\(device) has an ack for \(ack.cid), which is not stored so")
        }
      }
      for conversation in store.conversations(of: device.user) {
        violations += missing(conversation, device)
      }
      for room in device.rooms
      where !store.isMember(device.user, of: ConversationID(room, seenBy: device.user)) {
        violations.append("\(device) was not told that it is out of \(room)")
      }
    }
    return violations
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
