/// The bounds on what one session holds.
package struct SessionLimits: Sendable {
  /// Each message goes to every subscription of its destination, and there are few of those.
  package var subscriptionsMax = 8
  package var transactionsMax = 16
  /// Frames in all transactions of a session, and their bytes.
  package var heldFramesMax = 256
  package var heldBytesMax = 256 * 1024
  /// Messages without an `ACK`, over all subscriptions.
  package var unacknowledgedMax = 1_024
  /// Names of the client's making: `id`, `transaction`, `receipt`.
  package var nameBytesMax = 128
  package var destinationBytesMax = 256

  package init() {}
}
