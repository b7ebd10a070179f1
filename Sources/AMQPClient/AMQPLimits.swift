/// The bounds of a client.
package struct AMQPLimits: Sendable {
  /// From the first packet to the last answer of the set-up.
  package var connectTimeout: Duration = .seconds(5)
  package var closeTimeout: Duration = .seconds(1)
  /// The broker may propose less.
  package var heartbeatSeconds: UInt16 = 10
  package var reconnectDelayMin: Duration = .milliseconds(100)
  package var reconnectDelayMax: Duration = .seconds(2)
  package var frameBytesMax: UInt32 = 128 * 1024
  /// A body that arrives; a broker that announces more is dropped.
  package var bodyBytesMax = 2 * 1024 * 1024
  /// With more bytes than this on the way to the kernel nothing is published.
  package var pendingBytesMax = 1024 * 1024

  package init() {}
}
