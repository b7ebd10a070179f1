internal import AMQPClient
internal import ChatCore

/// The exchange, queues and keys that carry envelopes between the nodes.
///
/// One queue per node and static bindings, never one per user. Arguments are declared one by one,
/// because their defaults differ between versions of the broker.
enum BusTopology {
  static let exchange = "chat.exchange"
  static let allKey = "chat.all"
  private static let keyPrefix = "chat."

  /// What lies in a queue for longer has been found in the database meanwhile. The queue itself
  /// never expires: one did while it was published to, and its messages went nowhere.
  static let messageLifeMilliseconds: Int64 = 60_000
  static let queuedMessagesMax: Int64 = 100_000
  static let queuedBytesMax: Int64 = 64 * 1024 * 1024
  /// Messages under way to a node that it has not acknowledged.
  static let prefetch: UInt16 = 1_000

  static func queue(of node: NodeID) -> String { "chat.queue.\(node)" }

  static func key(to destination: Destination) -> String {
    switch destination {
    case .node(let node): keyPrefix + node.name
    case .all: allKey
    }
  }

  /// The node that a key leads to; nil for the key of all.
  static func node(of key: String) -> NodeID? {
    key.hasPrefix(keyPrefix) ? NodeID(String(key.dropFirst(keyPrefix.count))) : nil
  }

  static let publishing: [AMQPSetup] = [.exchange(exchange, kind: "topic"), .confirms]

  static func consuming(as node: NodeID) -> [AMQPSetup] {
    let queue = queue(of: node)
    return [
      .exchange(exchange, kind: "topic"),
      .queue(
        queue,
        arguments: [
          AMQPArgument("x-queue-type", .string("classic")),
          AMQPArgument("x-message-ttl", .integer(messageLifeMilliseconds)),
          AMQPArgument("x-max-length", .integer(queuedMessagesMax)),
          AMQPArgument("x-max-length-bytes", .integer(queuedBytesMax)),
          AMQPArgument("x-overflow", .string("drop-head")),
        ]),
      .bind(queue: queue, exchange: exchange, key: key(to: .node(node))),
      .bind(queue: queue, exchange: exchange, key: allKey),
      .prefetch(prefetch),
      .consumeExclusively(queue: queue),
    ]
  }
}
