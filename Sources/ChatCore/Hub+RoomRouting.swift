import ChatProtocol

// A room's entries to other nodes: one envelope per node that has members online, whoever they are.

/// The nodes of a room, for the entries of one turn.
final class RoomLookup {
  let topic: Topic
  var messages: [Message] = []

  init(topic: Topic) { self.topic = topic }
}

extension Hub {
  /// The look-up starts after the commit, as that of a user does; see `Hub+Rooms.swift`.
  func routeToRoom(_ message: Message) {
    guard let name = message.conversation.room else { return }
    roomLookup(.room(name)).messages.append(message)
  }

  private func roomLookup(_ topic: Topic) -> RoomLookup {
    if let lookup = openRoomLookups[topic] { return lookup }
    let lookup = RoomLookup(topic: topic)
    openRoomLookups[topic] = lookup
    counters.lookups += 1
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.roomLookup(lookup)), operation: .subscribers(of: topic)))
    return lookup
  }

  func lookedUp(_ lookup: RoomLookup, _ result: RegistryReply.Result) {
    guard case .subscribers(let nodes) = result else {
      for message in lookup.messages { broadcastToRoom(message) }
      return
    }
    for node in nodes where node != self.node.id {
      for message in lookup.messages {
        publish(.deliver(Delivery(message: message, recipients: [])), to: .node(node))
      }
    }
  }

  /// The registry cannot say where. Beyond the rate the entry waits in the log for the next sweep of
  /// the room's members.
  private func broadcastToRoom(_ message: Message) {
    let wait = broadcastBucket.take(
      rate: Double(limits.broadcastsPerSecond), burst: limits.broadcastsBurst, now: now)
    guard wait == nil else {
      counters.broadcastsDropped += 1
      return
    }
    counters.broadcasts += 1
    publish(.deliver(Delivery(message: message, recipients: [])), to: .all)
  }
}
