package import AMQPClient
package import ChatCore
internal import Glibc
package import Logging
package import Reactor

/// The message bus over RabbitMQ.
///
/// Usable from any thread. All that comes to the loop together for one destination goes as one
/// message. While the broker is away, envelopes are kept up to a bound, the oldest dropped
/// first; `NodeEvent.busRecovered` tells when it is back.
package final class RabbitMQBus: MessageBus {
  enum Message: Sendable {
    case publish([(destination: Destination, envelope: Envelope)])
    case start(@Sendable (Result<Void, BackendFailure>) -> Void)
    case stop(@Sendable () -> Void)
  }

  package let counters = BusCounters()
  /// Up while both connections are.
  package let status = LinkStatus()
  private let mailbox: Mailbox<Message>

  /// Must be called on the loop's thread, or before it runs.
  ///
  /// - Parameters:
  ///   - onLatency: told the nanoseconds from publishing to receiving of each message, by the two
  ///     nodes' own clocks; on the loop.
  ///   - onFatal: this node cannot have its queue, because another process of the same node
  ///     consumes it; this one must end.
  ///   - events: told of `arrived`, `returned` and `busRecovered`, on the loop.
  package init(
    endpoint: AMQPEndpoint, node: NodeID, limits: AMQPLimits = AMQPLimits(), on loop: EventLoop,
    log: Logger, onLatency: @escaping @Sendable (UInt64) -> Void,
    onFatal: @escaping @Sendable (BackendFailure) -> Void,
    events: @escaping @Sendable (NodeEvent) -> Void
  ) {
    let worker = RabbitMQBusWorker(
      endpoint: endpoint, node: node, limits: limits, on: loop, log: log, counters: counters,
      status: status, outputs: .init(onLatency: onLatency, onFatal: onFatal, events: events))
    mailbox = loop.makeMailbox { worker.receive($0) }
  }

  /// Connects, declares this node's queue and consumes it. Fails, after one attempt, when the
  /// broker cannot be reached or refuses us; waits for a former process of this node to let go of
  /// the queue for three heartbeats.
  package func start(completion: @escaping @Sendable (Result<Void, BackendFailure>) -> Void) {
    mailbox.post(.start(completion))
  }

  /// Waits a bounded time for what is published to be confirmed, and disconnects.
  package func stop(completion: @escaping @Sendable () -> Void) { mailbox.post(.stop(completion)) }

  package func publish(_ envelopes: [(destination: Destination, envelope: Envelope)]) {
    mailbox.post(.publish(envelopes))
  }
}

/// Nanoseconds since 1970-01-01 UTC.
func wallClock() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
