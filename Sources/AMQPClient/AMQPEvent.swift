/// What a client tells of its connection and its channel.
package enum AMQPEvent {
  /// The channel is set up, for the first time, after a reconnect, or after its consumer was
  /// cancelled. Delivery tags count from 1 again unless it is the last.
  case ready
  /// The body is valid until the handler returns.
  case delivered(tag: UInt64, routingKey: String, body: UnsafeRawBufferPointer)
  /// No queue took the message; its confirmation follows.
  case returned(code: UInt16, routingKey: String, body: UnsafeRawBufferPointer)
  case confirmed(tag: UInt64, isMultiple: Bool, isAccepted: Bool)
  /// All frames that came together have been told.
  case caughtUp
  /// The consumer's queue was deleted; it is made again, and `ready` follows.
  case consumerCancelled
  case blocked(reason: String)
  case unblocked
  /// `publish` refused for want of room, and has room again.
  case writable
  /// An attempt failed or the connection ended; the next attempt is under way.
  case lost(AMQPFailure)
}
