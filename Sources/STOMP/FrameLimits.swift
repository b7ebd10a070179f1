/// The bounds on one frame of a client.
package struct FrameLimits: Sendable {
  /// Command and headers, with the empty line behind them.
  package var headBytesMax = 16 * 1024
  package var headersMax = 64
  package var bodyBytesMax = 64 * 1024

  package init() {}
}
