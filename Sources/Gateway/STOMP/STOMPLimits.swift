import STOMP

/// The bounds on a STOMP session's time, and what it offers of heart-beats.
struct STOMPLimits {
  /// In milliseconds, both ways.
  var heartBeat = HeartBeat(sendsEvery: 10_000, wantsEvery: 10_000)
  /// How many times the agreed time a client may be silent: browsers let the timers of pages in
  /// the background wait for up to a minute. Peers that are gone are found by pings before.
  var silenceFactor = 7
  /// From a frame's first byte to its last.
  var frameTime = Duration.seconds(30)
  /// Frames that wait for `CONNECTED`, which answers what a client sent without waiting for it.
  var earlyFramesMax = 256
  /// What a session may be sent in one turn: above it, no kernel takes so much that the rest is
  /// within `GatewayLimits.pendingBytesMax`. The missed messages of one turn, times the
  /// subscriptions, may be more.
  var turnBytesMax = 8 * 1024 * 1024
  var frame = FrameLimits()
  var session = SessionLimits()
}
