package import ChatCore
internal import ChatProtocol
internal import Reactor

/// What the registries of several nodes in one process share.
package final class MemoryRoutes: Sendable {
  fileprivate struct State {
    var routes: [UserID: [String: RouteOwner]] = [:]
    /// Who holds a client's session.
    var sessions: [String: RouteOwner] = [:]
    var topics = MemoryTopics()
    var presences = MemoryPresences()
    var tokens = MemoryTokens()
    /// The epochs of the nodes that hold a lease.
    var leases: [NodeID: UInt64] = [:]
    /// Who is told of the next change of a user's routes.
    var watchers: [UserID: Set<NodeID>] = [:]
    var events: [NodeID: Events] = [:]
  }

  fileprivate typealias Events = @Sendable (NodeEvent) -> Void

  fileprivate let state = Locked(State())

  package init() {}
}

/// The registry of a node that shares it with nobody, or with nodes of the same process.
///
/// Answers within the call, on the caller's thread, behind the events that the call caused.
package final class MemoryRegistry: Registry {
  private let shared: MemoryRoutes
  private let node: NodeID
  private let epoch: UInt64

  /// Takes the node's lease, from an older epoch if need be.
  ///
  /// - Parameter events: told of `routesChanged` and `nodeLost`, on any thread.
  package init(
    node: NodeID, epoch: UInt64 = 1, sharing shared: MemoryRoutes = MemoryRoutes(),
    events: @escaping @Sendable (NodeEvent) -> Void = { _ in }
  ) {
    self.shared = shared
    self.node = node
    self.epoch = epoch
    shared.state.withLock { state in
      let hasEnded = state.leases[node].map { $0 < epoch } ?? false
      state.leases[node] = max(epoch, state.leases[node] ?? 0)
      state.events[node] = events
      if hasEnded { state.tellLost(node) }
    }
  }

  /// Gives up the lease; the node's routes end with it.
  package func stop() {
    shared.state.withLock { state in
      guard state.leases[node] == epoch else { return }
      state.leases[node] = nil
      state.events[node] = nil
      state.tellLost(node)
    }
  }

  package func submit(
    _ batch: [RegistryRequest], reply: @escaping @Sendable ([RegistryReply]) -> Void
  ) {
    // An answer and the change that makes it wrong must come in order, also from two threads: so
    // under the lock, which is safe as long as both only post to a mailbox.
    shared.state.withLock { state in
      reply(batch.map { RegistryReply(token: $0.token, result: perform($0.operation, &state)) })
    }
  }

  private func perform(
    _ operation: RegistryRequest.Operation, _ state: inout MemoryRoutes.State
  ) -> RegistryReply.Result {
    switch operation {
    case .register(let user, let device, let connection):
      let owner = RouteOwner(node: node, epoch: epoch, connection: connection)
      let previous = state.routes[user, default: [:]].updateValue(owner, forKey: device)
      state.tellWatchers(of: user)
      guard let previous, previous != owner, state.isLive(previous) else {
        return .registered(replaced: nil)
      }
      return .registered(replaced: previous)
    case .registerAgain(let user, let device, let connection):
      let owner = RouteOwner(node: node, epoch: epoch, connection: connection)
      if let holder = state.routes[user]?[device], holder != owner, state.isLive(holder) {
        return .overtaken
      }
      return perform(.register(user, device: device, connection: connection), &state)
    case .unregister(let user, let device, let connection):
      let owner = RouteOwner(node: node, epoch: epoch, connection: connection)
      guard state.routes[user]?[device] == owner else { return .unregistered }
      state.routes[user]?[device] = nil
      if state.routes[user]?.isEmpty == true { state.routes[user] = nil }
      state.tellWatchers(of: user)
      return .unregistered
    case .nodes(let user):
      let owners = state.routes[user].map { Array($0.values) } ?? []
      state.watchers[user, default: []].insert(node)
      let nodes = Set(owners.filter { state.isLive($0) }.map(\.node))
      return .nodes(nodes.sorted(), isGuarded: true)
    case .barrier:
      return .passed
    case .subscribe, .unsubscribe, .subscribers, .setPresence, .presence, .takeTokens:
      return performShared(operation, &state)
    case .claimSession(let name):
      if let holder = state.liveHolder(of: name) { return .holder(holder.node) }
      state.sessions[name] = sessionOwner
      return .holder(node)
    case .sessionHolder(let name):
      return .holder(state.liveHolder(of: name)?.node)
    case .releaseSession(let name):
      if state.sessions[name] == sessionOwner { state.sessions[name] = nil }
      return .holder(nil)
    }
  }

  /// What is about all hubs together.
  private func performShared(
    _ operation: RegistryRequest.Operation, _ state: inout MemoryRoutes.State
  ) -> RegistryReply.Result {
    switch operation {
    case .subscribe(let topic, let shard):
      state.topics.subscribe(HubKey(node: node, shard: shard), epoch: epoch, to: topic)
      return .subscribed
    case .unsubscribe(let topic, let shard):
      state.topics.unsubscribe(HubKey(node: node, shard: shard), epoch: epoch, from: topic)
      return .unsubscribed
    case .subscribers(let topic):
      return .subscribers(state.topics.subscribers(of: topic, leases: state.leases))
    case .setPresence(let user, let presence, let shard, let time):
      return .presence(
        state.presences.set(
          presence, of: user, on: HubKey(node: node, shard: shard), epoch: epoch, at: time,
          leases: state.leases))
    case .presence(let user):
      return .presence(state.presences.presence(of: user, leases: state.leases))
    case .takeTokens(let user, let count, let rate, let burst):
      let (taken, wait) = state.tokens.take(
        count, of: user, rate: rate, burst: burst, now: Kernel().now())
      return .tokens(count: taken, wait: wait)
    case .register, .registerAgain, .unregister, .nodes, .barrier, .claimSession, .sessionHolder,
      .releaseSession:
      preconditionFailure("no request about topics, presence or tokens")
    }
  }

  private var sessionOwner: RouteOwner {
    RouteOwner(node: node, epoch: epoch, connection: "session")
  }
}

extension MemoryRoutes.State {
  fileprivate func isLive(_ owner: RouteOwner) -> Bool { leases[owner.node] == owner.epoch }

  fileprivate func liveHolder(of session: String) -> RouteOwner? {
    sessions[session].flatMap { isLive($0) ? $0 : nil }
  }

  fileprivate mutating func tellWatchers(of user: UserID) {
    for node in watchers.removeValue(forKey: user) ?? [] { events[node]?(.routesChanged([user])) }
  }

  fileprivate func tellLost(_ node: NodeID) {
    for (other, tell) in events where other != node { tell(.nodeLost(node)) }
  }
}
