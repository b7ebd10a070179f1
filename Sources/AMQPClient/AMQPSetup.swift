/// A step that makes a fresh channel ready. Each is repeated on every connection.
package enum AMQPSetup: Hashable, Sendable {
  /// Published messages are confirmed.
  case confirms
  case exchange(String, kind: String)
  /// A durable queue, shared and never deleted by the broker itself.
  case queue(String, arguments: [AMQPArgument])
  case bind(queue: String, exchange: String, key: String)
  /// Deliveries that may wait for their acknowledgement.
  case prefetch(UInt16)
  /// Consumes alone: a second consumer is refused.
  case consumeExclusively(queue: String)

  var answer: SetupAnswer {
    switch self {
    case .confirms: .confirming
    case .exchange: .exchangeDeclared
    case .queue: .queueDeclared
    case .bind: .queueBound
    case .prefetch: .prefetchSet
    case .consumeExclusively: .consuming
    }
  }
}

package struct AMQPArgument: Hashable, Sendable {
  package enum Value: Hashable, Sendable {
    case integer(Int64)
    case string(String)
  }

  package let name: String
  package let value: Value

  package init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }
}

package enum SetupAnswer: Hashable {
  case confirming, exchangeDeclared, queueDeclared, queueBound, prefetchSet, consuming
}
