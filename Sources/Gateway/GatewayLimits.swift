package import HTTP1
package import WebSocket

/// The bounds that one worker puts on its connections.
package struct GatewayLimits: Sendable {
  /// Connections of one worker; more are closed as they are accepted.
  package var connectionsMax = 100_000
  /// Connections of one address with one worker; more are refused. Not for trusted proxies, nor for
  /// this machine's own programs, one of which may be a proxy that nobody has named.
  package var connectionsPerAddressMax = 5_000
  /// Connections that one address may begin, exempt as there: so many a second in the long run, and
  /// so many at once, as after this node was away for a while.
  package var connectionRate = 100.0
  package var connectionBurst = 5_000
  /// As those, WebSockets and SockJS sessions, of clients behind proxies too.
  package var sessionRate = 50.0
  package var sessionBurst = 2_500
  /// TLS handshakes under way on one worker; more are closed as they are accepted. They have
  /// `requestTime`. Each takes up to 47 KB, and 9 KB until the client has said something.
  package var handshakesMax = 4_096
  /// Those of them that one address may have, exempt as from `connectionsPerAddressMax`: an eighth,
  /// and far more than an office has whose machines all come at once.
  package var handshakesPerAddressMax = 512
  package var request = RequestLimits()
  package var message = MessageLimits()
  /// How messages may be compressed where the peer can do it too; nil: not at all.
  package var compression: CompressionPolicy?
  /// What compressed messages of one worker may inflate to in a turn of its loop before the rest
  /// waits for a later one: 16 messages, 1 to 3 ms.
  package var inflatedBytesPerTurnMax = 1024 * 1024
  /// Bytes of frames that wait for another turn because of that, of all connections of a worker. A
  /// connection that would be beyond is closed.
  package var heldFrameBytesMax = 64 * 1024 * 1024

  /// The body of a request whose body nobody wants; it is read and thrown away.
  package var unwantedBodyBytesMax = 64 * 1024
  /// SockJS sessions of one loop; who asks for more is told to come again.
  package var sockJSSessionsMax = 100_000
  /// Those of them that clients of one address may have.
  package var sockJSSessionsPerAddressMax = 1_000

  /// From a request's first byte to the end of its head, and from there to the end of its body.
  package var requestTime = Duration.seconds(10)
  /// How long a connection may stay without a request.
  package var keepAliveTime = Duration.seconds(75)
  /// Between two pings. Two in a row that bring no byte back close the connection.
  package var pingInterval = Duration.seconds(25)
  /// From a message's first fragment to its last.
  package var messageTime = Duration.seconds(30)
  /// From our last word, such as a close frame, to the end of the connection.
  package var closeTime = Duration.seconds(5)

  /// Pending bytes of one peer above which it is congested.
  package var pendingBytesHigh = 256 * 1024
  /// Pending bytes of one peer above which it is closed.
  package var pendingBytesMax = 4 * 1024 * 1024
  /// Pending bytes of all peers of one worker above which its memory is short: a peer then is
  /// congested above `pendingBytesHighWhenShort`, and closed above `pendingBytesHigh`.
  package var backlogBytesMax = 256 * 1024 * 1024
  package var pendingBytesHighWhenShort = 16 * 1024
  /// Pings and pongs taken from one peer per ping interval; nil: any number.
  package var controlFramesMax: UInt16? = 250

  package init() {}
}
