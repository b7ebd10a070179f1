internal import ChatCore
internal import ChatProtocol
internal import RedisClient

// Who is there: what each hub says of a user, and what that makes together.
extension RedisRegistryWorker {
  func setPresence(
    _ state: PresenceState, of user: UserID, shard: Int, at time: Timestamp, _ batch: ReplyBatch,
    _ token: UInt64
  ) {
    setPresence(state, of: user, shard: shard, at: time) { [unowned self] presence in
      answer(batch, token, presence.map { .presence($0) } ?? .unavailable)
    }
  }

  /// - Parameter completion: told the presence over all hubs, or nil when nobody can say.
  func setPresence(
    _ state: PresenceState, of user: UserID, shard: Int, at time: Timestamp,
    completion: @escaping (Presence?) -> Void
  ) {
    let removal = FailedRemovals.Removal.presence(user, shard: shard)
    let number = failedRemovals.next()
    if state != .offline { failedRemovals.forget(removal, before: number) }
    guard let owner = owner(String(shard)) else { return completion(nil) }
    let arguments = [
      HubKey(node: node, shard: shard).description, String(owner.epoch), state.name, String(time),
      Self.lastSeenSeconds,
    ]
    setPresence.runInOrder(on: client, key: RegistrySchema.presence(of: user), arguments) {
      [unowned self] outcome in
      judge(outcome, of: user) { [unowned self] presence in
        if state != .offline {
          // A removal sent before may have failed since.
          failedRemovals.forget(removal, before: number)
          hasFailedRegistrations = hasFailedRegistrations || presence == nil
        } else if presence == nil {
          failedRemovals.insert(removal, number: number, at: time)
        }
        completion(presence)
      }
    }
  }

  func lookUpPresence(of user: UserID, _ lookup: SharedLookup) {
    client.send(RedisCommand(["HGETALL", RegistrySchema.presence(of: user)])) {
      [unowned self] outcome in
      judge(outcome, of: user) { [unowned self] presence in
        finish(lookup, presence.map { .presence($0) } ?? .unavailable)
      }
    }
  }

  private static let lastSeenSeconds =
    String(RegistryRequest.lastSeenTime.components.seconds)

  private func judge(
    _ outcome: RedisOutcome, of user: UserID, completion: @escaping (Presence?) -> Void
  ) {
    guard case .value(.array(let values)) = outcome else { return completion(nil) }
    let fields = HubField.all(in: values)
    askLeases(of: fields.map(\.owner)) { [unowned self] isComplete in
      guard isComplete else { return completion(nil) }
      let live = fields.filter { isLive($0.owner) }
      completion(Presence(over: live.map(\.presence), seen: Self.seen(in: values)))
      cleanUp(fields, of: user)
    }
  }

  private static func seen(in values: [RedisValue]) -> Timestamp? {
    let index = stride(from: 0, to: values.count - 1, by: 2).first {
      values[$0].text == RegistrySchema.seen
    }
    return index.flatMap { values[$0 + 1].text }.flatMap { Timestamp($0) }
  }

  /// Removes what can never be valid again. What a node left whose lease has lapsed stays, because
  /// it may take it again; but a user who is nowhere else is forgotten in the end. Should the node
  /// take it again in this very moment, the user is forgotten only if nothing is written about him
  /// for all that time.
  private func cleanUp(_ fields: [HubField], of user: UserID) {
    let dead = fields.filter { !isLive($0.owner) }
    let hasLive = dead.count < fields.count
    guard dead.contains(where: { isOutdated($0.owner) }) || !(hasLive || dead.isEmpty) else {
      return
    }
    let arguments = dead.prefix(Self.cleanedFieldsMax).flatMap { field in
      [field.hub.description, field.value, isOutdated(field.owner) ? "outdated" : "lapsed"]
    }
    let key = RegistrySchema.presence(of: user)
    run(RegistrySchema.cleanPresence, key, [Self.lastSeenSeconds] + arguments) { _ in }
  }
}
