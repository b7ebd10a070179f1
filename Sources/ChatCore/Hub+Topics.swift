import ChatProtocol

// Telling the registry which topics this hub wants to hear of.

extension Hub {
  func subscribe(_ room: Room) {
    // The other hubs of the node need not be asked. What they said before the room was here is missing.
    guard !isAlone else { return readTail(of: room) }
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.subscribeRoom(room)),
        operation: .subscribe(room.topic, shard: node.shard)))
  }

  func unsubscribe(_ topic: Topic) {
    guard !isAlone else { return }
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.unregister),
        operation: .unsubscribe(topic, shard: node.shard)))
  }

  func subscribed(_ room: Room, _ result: RegistryReply.Result) {
    guard rooms[room.conversation] === room else { return }
    guard case .subscribed = result else {
      counters.unavailable += 1
      alarms.set(.subscribe(room), at: now + jittered(limits.registrationRetryDelay))
      return
    }
    room.isSubscribed = true
    // Until now nobody could know that entries of the room belong here.
    readTail(of: room)
  }

  func subscribeAgain(_ room: Room) {
    guard rooms[room.conversation] === room, !room.isSubscribed else { return }
    subscribe(room)
  }

  // MARK: - What came before the subscription

  private func readTail(of room: Room) {
    guard let cursor = room.cursor(in: room.conversation) else { return }
    submit(.tail(room, after: cursor, limit: limits.holePageMax))
  }

  func readTail(of room: Room, limit: Int, _ result: StoreReply.Result) {
    guard rooms[room.conversation] === room else { return }
    guard case .messages(let messages, lowWaterMark: _) = result else {
      counters.unavailable += 1
      room.isSubscribed = false
      alarms.set(.subscribe(room), at: now + jittered(limits.registrationRetryDelay))
      return
    }
    let cursor = room.cursor(in: room.conversation)
    accept(messages, for: room)
    if messages.count == limit, room.cursor(in: room.conversation) != cursor {
      readTail(of: room)
    }
  }
}
