package import ChatCore
package import Reactor

/// Where a loop stands among those that may own a session, and how it reaches the others.
package struct SockJSPlace: Sendable {
  package var node: NodeID
  package var shard: Int
  /// The mailboxes of all loops of the node, by shard, this loop's own too.
  package var loops: [Mailbox<SockJSNews>]
  /// Absent on a node that is alone.
  package var registry: (any Registry)?
  package var bus: (any MessageBus)?

  package init(
    node: NodeID, shard: Int, loops: [Mailbox<SockJSNews>], registry: (any Registry)? = nil,
    bus: (any MessageBus)? = nil
  ) {
    self.node = node
    self.shard = shard
    self.loops = loops
    self.registry = registry
    self.bus = bus
  }

  /// The loop of this node that owns a session: each request may come to another one, and nobody
  /// has to remember which.
  func shard(of session: SockJSSession.Key) -> Int {
    // FNV-1a, whose value is the same in all threads.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in session.name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int(hash % UInt64(max(loops.count, 1)))
  }
}
