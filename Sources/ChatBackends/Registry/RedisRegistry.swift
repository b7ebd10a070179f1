package import ChatCore
package import Logging
package import Reactor
package import RedisClient

/// The registry in Redis, shared by all nodes.
///
/// Usable from any thread. What a node wrote counts only while its lease lives: 12 s, renewed every
/// 3 s. So the routes, subscriptions and presences of a crashed node die together, and nothing is
/// renewed per user. While Redis is away requests are answered `unavailable`; when it has forgotten
/// something of this node, `NodeEvent.registrationsLost` asks for all again.
package final class RedisRegistry: Registry {
  enum Message: Sendable {
    case requests([RegistryRequest], @Sendable ([RegistryReply]) -> Void)
    case start(epoch: UInt64, @Sendable (Result<Void, BackendFailure>) -> Void)
    case stop(@Sendable () -> Void)
  }

  /// Up while connected and in possession of the lease.
  package let status = LinkStatus()
  private let mailbox: Mailbox<Message>

  /// Must be called on the loop's thread, or before it runs.
  ///
  /// - Parameters:
  ///   - events: told of lost registrations, lost nodes and changed routes, on the loop.
  ///   - leaseTaken: another process of this node, with the newer epoch given, holds the lease;
  ///     this one must end.
  package init(
    endpoint: RedisEndpoint, node: NodeID, limits: RedisLimits = RedisLimits(), on loop: EventLoop,
    log: Logger, events: @escaping @Sendable (NodeEvent) -> Void,
    leaseTaken: @escaping @Sendable (UInt64) -> Void
  ) {
    let worker = RedisRegistryWorker(
      endpoint: endpoint, node: node, limits: limits, on: loop, log: log, status: status,
      events: events, leaseTaken: leaseTaken)
    mailbox = loop.makeMailbox { worker.receive($0) }
  }

  /// Connects and takes the node's lease. Fails, after one attempt, when Redis cannot be reached
  /// or refuses us, and when a newer process of this node runs.
  ///
  /// - Parameter epoch: greater than that of every process of this node before, and not 0.
  package func start(
    epoch: UInt64, completion: @escaping @Sendable (Result<Void, BackendFailure>) -> Void
  ) {
    mailbox.post(.start(epoch: epoch, completion))
  }

  /// Releases the lease behind all that was submitted before, and disconnects.
  package func stop(completion: @escaping @Sendable () -> Void) { mailbox.post(.stop(completion)) }

  package func submit(
    _ batch: [RegistryRequest], reply: @escaping @Sendable ([RegistryReply]) -> Void
  ) {
    mailbox.post(.requests(batch, reply))
  }
}
