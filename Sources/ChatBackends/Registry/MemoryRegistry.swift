package import ChatCore
internal import ChatProtocol
internal import Reactor

/// What the registries of several nodes in one process share.
package final class MemoryRoutes: Sendable {
  fileprivate struct State {
    var routes: [UserID: [String: RouteOwner]] = [:]
    /// The epochs of the nodes that hold a lease.
    var leases: [NodeID: UInt64] = [:]
  }

  fileprivate let state = Locked(State())

  package init() {}
}

/// The registry of a node that shares it with nobody, or with nodes of the same process.
///
/// Answers within the call, on the caller's thread.
package final class MemoryRegistry: Registry {
  private let shared: MemoryRoutes
  private let node: NodeID
  private let epoch: UInt64

  /// Takes the node's lease, from an older epoch if need be.
  package init(node: NodeID, epoch: UInt64 = 1, sharing shared: MemoryRoutes = MemoryRoutes()) {
    self.shared = shared
    self.node = node
    self.epoch = epoch
    shared.state.withLock { $0.leases[node] = max(epoch, $0.leases[node] ?? 0) }
  }

  /// Gives up the lease; the node's routes end with it.
  package func stop() {
    shared.state.withLock { if $0.leases[node] == epoch { $0.leases[node] = nil } }
  }

  package func submit(
    _ batch: [RegistryRequest], reply: @escaping @Sendable ([RegistryReply]) -> Void
  ) {
    let replies = shared.state.withLock { state in
      batch.map { RegistryReply(token: $0.token, result: perform($0.operation, &state)) }
    }
    reply(replies)
  }

  private func perform(
    _ operation: RegistryRequest.Operation, _ state: inout MemoryRoutes.State
  ) -> RegistryReply.Result {
    switch operation {
    case .register(let user, let device, let connection):
      let owner = RouteOwner(node: node, epoch: epoch, connection: connection)
      let previous = state.routes[user, default: [:]].updateValue(owner, forKey: device)
      guard let previous, previous != owner, state.isLive(previous) else {
        return .registered(replaced: nil)
      }
      return .registered(replaced: previous)
    case .unregister(let user, let device, let connection):
      let owner = RouteOwner(node: node, epoch: epoch, connection: connection)
      guard state.routes[user]?[device] == owner else { return .unregistered }
      state.routes[user]?[device] = nil
      if state.routes[user]?.isEmpty == true { state.routes[user] = nil }
      return .unregistered
    case .nodes(let user):
      let owners = state.routes[user].map { Array($0.values) } ?? []
      return .nodes(Set(owners.filter { state.isLive($0) }.map(\.node)).sorted())
    }
  }
}

extension MemoryRoutes.State {
  fileprivate func isLive(_ owner: RouteOwner) -> Bool { leases[owner.node] == owner.epoch }
}
