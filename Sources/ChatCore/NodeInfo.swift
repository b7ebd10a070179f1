/// Which hub of which node this is.
package struct NodeInfo: Sendable {
  package var id: NodeID
  /// Given to the node by the database at its start; tells its connections from those of the
  /// process before it.
  package var epoch: UInt64
  /// The place of this hub among the `shardCount` hubs of the node, from 0.
  package var shard: Int
  package var shardCount: Int

  package init(id: NodeID, epoch: UInt64, shard: Int, shardCount: Int) {
    self.id = id
    self.epoch = epoch
    self.shard = shard
    self.shardCount = shardCount
  }
}

/// The gateway's own name for a connection. Means nothing to the hub and is never used twice
/// while requests of the first use are under way.
package struct SessionID: Hashable, Sendable {
  package var value: UInt64

  package init(value: UInt64) { self.value = value }
}
