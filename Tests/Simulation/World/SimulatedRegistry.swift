package import ChatCore
package import ChatProtocol

/// Who holds which device, which epoch of which node has the lease, and who watches whom.
package struct SimulatedRegistry {
  private var owners: [UserID: [String: RouteOwner]] = [:]
  private var watchers: [UserID: Set<NodeID>] = [:]
  private var changes: [(user: UserID, watchers: [NodeID])] = []
  package var leases: [NodeID: UInt64] = [:]
  private var subscriptions: [Topic: [Hearer: UInt64]] = [:]
  private var presences: [UserID: [Hearer: (epoch: UInt64, state: PresenceState)]] = [:]
  private var lastSeen: [UserID: Timestamp] = [:]
  private var buckets: [UserID: TokenBucket] = [:]
  /// In nanoseconds.
  package var now: Int64 = 0

  package init() {}

  private struct Hearer: Hashable {
    let node: NodeID
    let shard: Int
  }

  package mutating func perform(
    _ operation: RegistryRequest.Operation, from node: NodeID, epoch: UInt64
  ) -> RegistryReply.Result {
    switch operation {
    case .register(let user, let device, let connection):
      let owner = RouteOwner(node: node, epoch: epoch, connection: connection)
      let previous = owners[user, default: [:]].updateValue(owner, forKey: device)
      changed(user)
      guard let previous, previous != owner, isLive(previous) else {
        return .registered(replaced: nil)
      }
      return .registered(replaced: previous)
    case .registerAgain(let user, let device, let connection):
      let owner = RouteOwner(node: node, epoch: epoch, connection: connection)
      if let holder = owners[user]?[device], holder != owner, isLive(holder) { return .overtaken }
      let again = RegistryRequest.Operation.register(user, device: device, connection: connection)
      return perform(again, from: node, epoch: epoch)
    case .unregister(let user, let device, let connection):
      let owner = RouteOwner(node: node, epoch: epoch, connection: connection)
      guard owners[user]?[device] == owner else { return .unregistered }
      owners[user]?[device] = nil
      changed(user)
      return .unregistered
    case .nodes(of: let user):
      watchers[user, default: []].insert(node)
      let live = (owners[user] ?? [:]).values.filter { isLive($0) }
      return .nodes(Set(live.map(\.node)).sorted(), isGuarded: true)
    case .barrier:
      return .passed
    case .subscribe(let topic, let shard):
      subscriptions[topic, default: [:]][Hearer(node: node, shard: shard)] = epoch
      return .subscribed
    case .unsubscribe(let topic, let shard):
      let hearer = Hearer(node: node, shard: shard)
      if let held = subscriptions[topic]?[hearer], held <= epoch {
        subscriptions[topic]?[hearer] = nil
      }
      return .unsubscribed
    case .subscribers(of: let topic):
      let live = (subscriptions[topic] ?? [:]).filter { leases[$0.key.node] == $0.value }
      return .subscribers(Set(live.keys.map(\.node)).sorted())
    case .setPresence(let user, let state, let shard, let time):
      setPresence(state, of: user, Hearer(node: node, shard: shard), epoch, time)
      return .presence(presence(of: user))
    case .presence(of: let user):
      return .presence(presence(of: user))
    case .takeTokens(let user, let count, let rate, let burst):
      return takeTokens(of: user, count, rate, burst)
    case .claimSession, .sessionHolder, .releaseSession:
      preconditionFailure("the hub knows nothing of transports' sessions")
    }
  }

  /// Whose messages for the device go there.
  func owner(of user: UserID, device: String) -> RouteOwner? {
    owners[user]?[device].flatMap { isLive($0) ? $0 : nil }
  }

  /// Somebody connects there.
  package mutating func setPresence(_ user: UserID, at node: NodeID) {
    setPresence(.online, of: user, Hearer(node: node, shard: 0), leases[node] ?? 0, 0)
  }

  private mutating func setPresence(
    _ state: PresenceState, of user: UserID, _ hearer: Hearer, _ epoch: UInt64, _ time: Timestamp
  ) {
    guard state == .offline else {
      presences[user, default: [:]][hearer] = (epoch, state)
      return
    }
    if let held = presences[user]?[hearer], held.epoch <= epoch { presences[user]?[hearer] = nil }
    lastSeen[user] = max(lastSeen[user] ?? 0, time)
  }

  private func presence(of user: UserID) -> Presence {
    let live = (presences[user] ?? [:]).filter { leases[$0.key.node] == $0.value.epoch }
    if live.values.contains(where: { $0.state == .online }) { return Presence(state: .online) }
    if !live.isEmpty { return Presence(state: .away) }
    return Presence(state: .offline, lastSeen: lastSeen[user])
  }

  private mutating func takeTokens(
    of user: UserID, _ count: Int, _ rate: Double, _ burst: Int
  ) -> RegistryReply.Result {
    var bucket = buckets[user] ?? TokenBucket()
    defer { buckets[user] = bucket }
    for taken in 0..<count {
      guard let wait = bucket.take(rate: rate, burst: burst, now: now) else { continue }
      return .tokens(count: taken, wait: taken == 0 ? wait : 0)
    }
    return .tokens(count: count, wait: 0)
  }

  private mutating func changed(_ user: UserID) {
    guard let nodes = watchers.removeValue(forKey: user) else { return }
    changes.append((user, nodes.sorted()))
  }

  /// Whom to tell of what has changed since the last call.
  package mutating func takeChanges() -> [(user: UserID, watchers: [NodeID])] {
    defer { changes = [] }
    return changes
  }

  package mutating func flush() {
    owners = [:]
    watchers = [:]
    subscriptions = [:]
    presences = [:]
    lastSeen = [:]
  }

  private func isLive(_ owner: RouteOwner) -> Bool { leases[owner.node] == owner.epoch }
}

/// What a node knows of its kept routes' guard: the news on their way to it, and what is lost.
struct SimulatedGuard {
  /// The way of the news, in order.
  var news = Channel()
  /// Answers given under an earlier generation are not guarded.
  var generation = 0
  /// When the last news of a user came in.
  private(set) var heard: [UserID: Int64] = [:]
  /// News are lost until the node notices.
  var isBroken = false
  var unheard: [(_ isHeard: Bool) -> Void] = []

  mutating func heard(of user: UserID, at time: Int64) { heard[user] = time }

  /// As the node passes an answer on that was made at `time`.
  func judge(
    _ result: RegistryReply.Result, of operation: RegistryRequest.Operation, madeAt time: Int64,
    under generation: Int
  ) -> RegistryReply.Result {
    guard case .nodes(let nodes, _) = result, case .nodes(of: let user) = operation else {
      return result
    }
    let isOvertaken = (heard[user] ?? 0) >= time
    return .nodes(nodes, isGuarded: !isOvertaken && generation == self.generation)
  }
}

/// What a node could not take out of the registry, to be made up for, unless the contrary is asked for
/// before that.
struct FailedRemovals {
  private enum Removal: Hashable {
    case route(UserID, device: String, connection: String)
    case subscription(Topic, shard: Int)
    case presence(UserID, shard: Int)
  }

  private var operations: [(removal: Removal, operation: RegistryRequest.Operation)] = []

  mutating func failed(_ operation: RegistryRequest.Operation) {
    switch operation {
    case .unregister(let user, let device, let connection):
      let removal = Removal.route(user, device: device, connection: connection)
      operations.append((removal, operation))
    case .unsubscribe(let topic, let shard):
      operations.append((.subscription(topic, shard: shard), operation))
    case .setPresence(let user, .offline, let shard, at: _):
      operations.append((.presence(user, shard: shard), operation))
    default: break
    }
  }

  mutating func asked(_ operation: RegistryRequest.Operation) {
    switch operation {
    case .subscribe(let topic, let shard):
      operations.removeAll { $0.removal == .subscription(topic, shard: shard) }
    case .setPresence(let user, let state, let shard, at: _) where state != .offline:
      operations.removeAll { $0.removal == .presence(user, shard: shard) }
    default: break
    }
  }

  mutating func takeAll() -> [RegistryRequest.Operation] {
    defer { operations = [] }
    return operations.map(\.operation)
  }
}
