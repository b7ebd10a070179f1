/// Who confirms the messages of a subscription, and how (STOMP 1.2, SUBSCRIBE ack header).
package enum AckMode: String, Sendable {
  /// Sent is received.
  case auto
  /// An `ACK` is of all messages up to the one that it names.
  case client
  /// An `ACK` is of the message that it names.
  case clientIndividual = "client-individual"
}

/// What a client listens to.
package struct Subscription: Sendable {
  /// The client's name for it. In STOMP 1.0 it may have none, and is called like its destination.
  package let id: String
  package let isNamed: Bool
  package let destination: String
  package let ack: AckMode
  /// Counts the subscriptions of a session, so that one that is gone is not taken for the next of
  /// its name.
  let number: UInt64
  /// Whether messages pass it by for now.
  var isHeld = false
  /// The numbers of the messages that wait for an `ACK`, rising.
  var unacknowledged: [UInt64] = []

  init(id: String?, destination: String, ack: AckMode, number: UInt64) {
    self.id = id ?? destination
    self.isNamed = id != nil
    self.destination = destination
    self.ack = ack
    self.number = number
  }
}

/// A message on its way to one subscription.
package struct Delivery: Hashable, Sendable {
  /// Unique within the session; `message-id`, and in STOMP 1.2 also `ack`.
  package let number: UInt64
  /// Nil for one without a name.
  package let subscription: String?
  package let destination: String
  package let isToBeAcknowledged: Bool
}
