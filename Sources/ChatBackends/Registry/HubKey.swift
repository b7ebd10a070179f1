internal import ChatCore
internal import ChatProtocol

/// A hub of a node, as it stands in the registry.
struct HubKey: Hashable, CustomStringConvertible {
  let node: NodeID
  let shard: Int

  init(node: NodeID, shard: Int) {
    self.node = node
    self.shard = shard
  }

  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let node = NodeID(String(parts[0])), let shard = Int(parts[1]) else {
      return nil
    }
    self.init(node: node, shard: shard)
  }

  /// `node/shard`.
  var description: String { "\(node)/\(shard)" }
}

extension Presence {
  /// What the user's devices on all hubs make together.
  init(over states: some Sequence<PresenceState>, seen: Timestamp?) {
    let state = states.max { $0.rawValue < $1.rawValue } ?? .offline
    self.init(state: state, lastSeen: state == .offline ? seen : nil)
  }
}
