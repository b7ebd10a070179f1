/// The bounds of a client.
package struct RedisLimits: Sendable {
  /// Commands without an answer; more are answered `unavailable` at once.
  package var outstandingMax = 65_536
  /// A command without an answer for so long means a frozen server.
  package var commandTimeout: Duration = .seconds(3)
  /// From the first packet to the answered greeting.
  package var connectTimeout: Duration = .seconds(3)
  package var reconnectDelayMin: Duration = .milliseconds(50)
  package var reconnectDelayMax: Duration = .seconds(1)
  /// A line or a string of a reply, and what of it may wait for its end.
  package var stringBytesMax = 1024 * 1024
  /// A whole reply, each of its elements counted with `elementBytes`.
  package var replyBytesMax = 8 * 1024 * 1024
  static let elementBytes = 64

  package init() {}
}
