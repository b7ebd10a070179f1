import ChatBackends
import ChatCore
import Gateway
import Reactor

/// The back ends of a running node.
///
/// Confined to the control loop.
final class NodeBackEnds {
  struct Parts {
    var store: (any MessageStore)?
    var epoch: UInt64 = 0
    var closeStore: () -> Void = {}
    var registry: RedisRegistry?
    var bus: RabbitMQBus?
    /// From publishing to receiving, by the two nodes' own clocks.
    let latency = Locked(LatencyHistogram())
  }

  let ports: BackEnds
  /// The node's epoch: the database's count of its starts.
  let epoch: UInt64
  private let parts: Parts
  private let stopped: Mailbox<Void>
  private let whenStopped: WhenStopped

  /// What to do when a client has stopped, as the mailbox's receiver finds it.
  private final class WhenStopped {
    var next: [() -> Void] = []
  }

  init(_ parts: Parts, node: NodeID, on loop: EventLoop) {
    guard let store = parts.store else { preconditionFailure("no store was started") }
    // Alone a node knows its users' presence by itself.
    let registry: any Registry =
      parts.registry ?? MemoryRegistry(node: node, epoch: parts.epoch)
    ports = BackEnds(store: store, registry: registry, bus: parts.bus)
    epoch = parts.epoch
    self.parts = parts
    let whenStopped = WhenStopped()
    self.whenStopped = whenStopped
    stopped = loop.makeMailbox { for _ in $0 { whenStopped.next.removeFirst()() } }
  }

  /// For the log: which back ends these are.
  var summary: String {
    parts.registry == nil ? "database" : "database, redis, rabbitmq"
  }

  /// From publishing to receiving of every message that came by the bus.
  var latency: LatencyHistogram { parts.latency.withLock { $0 } }

  /// Nothing on a node that is alone.
  var busCounters: BusCounters.Snapshot? { parts.bus?.counters.snapshot }

  /// Lets go of the queue, then of the lease, behind everything that was submitted.
  func stop(_ done: @escaping () -> Void) {
    stopBus { [self] in stopRegistry(done) }
  }

  private func stopBus(_ next: @escaping () -> Void) {
    guard let bus = parts.bus else { return next() }
    whenStopped.next.append(next)
    bus.stop { [stopped] in stopped.post(()) }
  }

  private func stopRegistry(_ next: @escaping () -> Void) {
    guard let registry = parts.registry else { return next() }
    whenStopped.next.append(next)
    registry.stop { [stopped] in stopped.post(()) }
  }

  /// Closes the store, when no worker uses it any more. May block.
  func close() { parts.closeStore() }
}
