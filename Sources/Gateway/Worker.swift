import Forwarding
import HTTP1
package import Logging
package import Reactor
package import TLS
package import WebSocket

/// One event loop with a listener, its connections, and the application they serve.
package final class Worker {
  let loop: EventLoop
  let limits: GatewayLimits
  let origins: OriginPolicy
  let proxies: ProxyPolicy
  let application: any Application
  /// Present where messages may be compressed.
  let deflate: DeflateContexts?
  /// Present there too.
  let inflation: InflationQueue?
  /// What a connection is closed with that answers no pings.
  let pingTimeoutCode: CloseCode
  /// What new connections speak TLS with; nil: they are plain. Those under way keep what they have.
  package var tls: TLSContext?
  package internal(set) var counters = GatewayCounters()
  /// Whom the connections are counted for.
  var addresses = AddressTable()
  /// Whom the TLS handshakes under way are counted for.
  var handshakeAddresses = AddressTable()
  /// Who begins connections, and who sessions, how often.
  var connectionRates: AddressRates
  var sessionRates: AddressRates
  let log: ConnectionLog
  private var listener: Listener?
  private var date = HTTPDate()

  package init(
    loop: EventLoop, limits: GatewayLimits, origins: OriginPolicy,
    proxies: ProxyPolicy = ProxyPolicy(), application: any Application,
    pingTimeoutCode: CloseCode, log: Logger? = nil
  ) {
    self.loop = loop
    self.limits = limits
    deflate = limits.compression.map(DeflateContexts.init)
    inflation = limits.compression.map { _ in
      InflationQueue(
        on: loop, bytesMax: limits.inflatedBytesPerTurnMax,
        bytesHeldMax: limits.heldFrameBytesMax)
    }
    self.origins = origins
    self.proxies = proxies
    self.application = application
    self.pingTimeoutCode = pingTimeoutCode
    connectionRates = AddressRates(rate: limits.connectionRate, burst: limits.connectionBurst)
    sessionRates = AddressRates(rate: limits.sessionRate, burst: limits.sessionBurst)
    self.log = ConnectionLog(log)
  }

  /// Listens on `address`, which only the first worker finds out to be taken; gives the address
  /// bound. The listener keeps the worker alive.
  /// `exhausted` is told when the system has no descriptors left, at most five times a second.
  package func listen(
    on address: SocketAddress, isFirst: Bool = true, exhausted: @escaping (SystemError) -> Void
  ) throws(SystemError) -> SocketAddress {
    let listener = try Listener(
      on: loop, address: address, isFirst: isFirst,
      accepted: { self.accepted($0, from: $1) }, exhausted: exhausted)
    self.listener = listener
    return listener.address
  }

  /// Takes no more connections; those that speak HTTP close behind their next answer.
  package func stopListening() {
    listener?.close()
    listener = nil
  }

  /// Bytes that a peer may have pending: above `high` it is congested, above `max` it is closed.
  var pendingBounds: (high: Int, max: Int) {
    loop.backlogBytes > limits.backlogBytesMax
      ? (limits.pendingBytesHighWhenShort, limits.pendingBytesHigh)
      : (limits.pendingBytesHigh, limits.pendingBytesMax)
  }

  var isListening: Bool { listener != nil }

  /// The `Date` field, made once a second.
  var dateField: ResponseField {
    ResponseField("Date", date.string(at: loop.kernel.wallMilliseconds()))
  }
}

/// What a worker counts, since it started.
package struct GatewayCounters: Sendable {
  /// Connections open now.
  package var connections = 0
  /// Those of them that are WebSockets, until the closing handshake is done.
  package var webSockets = 0
  /// Those of them whose TLS handshake is not done.
  package var handshakes = 0
  package var handshakesDone: UInt64 = 0
  /// Connections closed before their TLS handshake was done, whatever the reason.
  package var handshakesFailed: UInt64 = 0
  /// Those of them that failed of what the client sent, and why.
  package var handshakeFailures: [TLSFailure: UInt64] = [:]
  package var accepted: UInt64 = 0
  /// Connections closed as they came: over a limit, for want of memory, or from nobody who may
  /// connect.
  package var refused: UInt64 = 0
  /// Connections and requests that were more, or more often, than one address may have.
  package var overAddressLimit: UInt64 = 0
  /// Connections of trusted proxies without a whole PROXY header.
  package var badProxyHeaders: UInt64 = 0
  package var requests: UInt64 = 0
  package var badRequests: UInt64 = 0
  package var upgrades: UInt64 = 0
  package var protocolErrors: UInt64 = 0
  /// Connections closed with more pending than `pendingBounds` lets them have.
  package var overflows: UInt64 = 0

  package init() {}
}
