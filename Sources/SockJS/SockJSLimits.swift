/// The times and bounds of a service's sessions.
package struct SockJSLimits: Sendable {
  /// How long a session stays without a receiver.
  package var disconnectDelay = Duration.seconds(5)
  /// Between two heartbeats to one receiver.
  package var heartbeatDelay = Duration.seconds(25)
  /// Bytes of wrapped frames after which a streaming response ends, so that the browser can free
  /// them; the client comes again at once.
  package var responseBytesMax = 128 * 1024
  /// Messages in one payload. A client sends all that it gathered while its last request was
  /// under way.
  package var messagesMax = 4096
  /// Bytes of one payload, as it came.
  package var payloadBytesMax = 1024 * 1024

  package init() {}
}
