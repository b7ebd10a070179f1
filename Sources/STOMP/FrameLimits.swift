/// The bounds on one frame of a client.
package struct FrameLimits: Sendable {
  /// Command and headers, with the empty line behind them.
  package var headBytesMax = 16 * 1024
  /// The same of `SUBSCRIBE`, one of whose headers may be a long list.
  package var subscribeHeadBytesMax = 64 * 1024
  package var headersMax = 64
  package var bodyBytesMax = 64 * 1024

  package init() {}

  func headBytesMax(of command: ClientCommand) -> Int {
    command == .subscribe ? subscribeHeadBytesMax : headBytesMax
  }
}
