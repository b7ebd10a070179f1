internal import ChatCore
internal import ChatProtocol
internal import RedisClient

/// What a hub has written into a hash of the registry.
struct HubField {
  let hub: HubKey
  /// As it stands there.
  let value: String
  let epoch: UInt64
  let presence: PresenceState

  /// - Parameter value: `epoch`, or `epoch/online`.
  init?(_ field: RedisValue, _ value: RedisValue) {
    guard let hub = field.text.flatMap({ HubKey($0) }), let value = value.text else { return nil }
    let parts = value.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let epoch = UInt64(parts[0]) else { return nil }
    self.hub = hub
    self.value = value
    self.epoch = epoch
    presence = parts.count == 2 && parts[1] == PresenceState.away.name ? .away : .online
  }

  var owner: RouteOwner {
    RouteOwner(node: hub.node, epoch: epoch, connection: String(hub.shard))
  }

  static func all(in fields: [RedisValue]) -> [HubField] {
    stride(from: 0, to: fields.count - 1, by: 2).compactMap {
      HubField(fields[$0], fields[$0 + 1])
    }
  }
}

// Which hubs want to hear of what.
extension RedisRegistryWorker {
  func subscribe(to topic: Topic, shard: Int, _ batch: ReplyBatch, _ token: UInt64) {
    let removal = FailedRemovals.Removal.subscription(topic, shard: shard)
    let number = failedRemovals.next()
    failedRemovals.forget(removal, before: number)
    guard let owner = owner(String(shard)) else { return answer(batch, token, .unavailable) }
    changeSubscription(RegistrySchema.subscribe, topic, HubKey(node: node, shard: shard), owner) {
      [unowned self] isDone in
      // A removal sent before may have failed since.
      failedRemovals.forget(removal, before: number)
      hasFailedRegistrations = hasFailedRegistrations || !isDone
      answer(batch, token, isDone ? .subscribed : .unavailable)
    }
  }

  func unsubscribe(from topic: Topic, shard: Int, _ batch: ReplyBatch, _ token: UInt64) {
    unsubscribe(from: topic, shard: shard) { [unowned self] isDone in
      answer(batch, token, isDone ? .unsubscribed : .unavailable)
    }
  }

  func unsubscribe(
    from topic: Topic, shard: Int, completion: @escaping (_ isDone: Bool) -> Void
  ) {
    let hub = HubKey(node: node, shard: shard)
    let number = failedRemovals.next()
    guard let owner = owner(String(shard)) else { return completion(false) }
    changeSubscription(RegistrySchema.unsubscribe, topic, hub, owner) { [unowned self] isDone in
      if !isDone { failedRemovals.insert(.subscription(topic, shard: shard), number: number) }
      completion(isDone)
    }
  }

  private func changeSubscription(
    _ change: String, _ topic: Topic, _ hub: HubKey, _ owner: RouteOwner,
    completion: @escaping (_ isDone: Bool) -> Void
  ) {
    let key = RegistrySchema.subscribers(of: topic)
    let arguments = [change, hub.description, String(owner.epoch)]
    changeSubscription.runInOrder(on: client, key: key, arguments) { outcome in
      completion(outcome == .value(.integer(1)))
    }
  }

  func look(up topic: Topic, _ lookup: SharedLookup) {
    let command = RedisCommand(["HGETALL", RegistrySchema.subscribers(of: topic)])
    client.send(command) { [unowned self] outcome in
      guard case .value(.array(let values)) = outcome else { return finish(lookup, .unavailable) }
      let fields = HubField.all(in: values)
      askLeases(of: fields.map(\.owner)) { [unowned self] isComplete in
        guard isComplete else { return finish(lookup, .unavailable) }
        let nodes = Set(fields.map(\.owner).filter(isLive).map(\.node))
        finish(lookup, .subscribers(nodes.sorted()))
        cleanUp(fields, of: topic)
      }
    }
  }

  /// A subscription of an older epoch can never be valid again. One of a lapsed lease can, and
  /// stays.
  private func cleanUp(_ fields: [HubField], of topic: Topic) {
    for field in fields.filter({ isOutdated($0.owner) }).prefix(Self.cleanedFieldsMax) {
      changeSubscription(RegistrySchema.unsubscribe, topic, field.hub, field.owner) { _ in }
    }
  }

  // MARK: Scripts and answers

  /// Runs a script by its source, so that it takes effect once, in the order of its sending. For what
  /// is rare.
  func run(
    _ script: String, _ key: String, _ arguments: [String],
    reply: @escaping (RedisOutcome) -> Void
  ) {
    client.send(RedisCommand(["EVAL", script, "1", key] + arguments), reply: reply)
  }

  func finish(_ lookup: SharedLookup, _ result: RegistryReply.Result) {
    for asker in lookup.askers { answer(asker.batch, asker.token, result) }
  }
}
