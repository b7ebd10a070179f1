import HTTP1
package import Reactor
package import TLS
package import WebSocket

/// One event loop with a listener, its connections, and the application they serve.
package final class Worker {
  let loop: EventLoop
  let limits: GatewayLimits
  let origins: OriginPolicy
  let application: any Application
  /// Present where messages may be compressed.
  let deflate: DeflateContexts?
  /// What a connection is closed with that answers no pings.
  let pingTimeoutCode: CloseCode
  /// What new connections speak TLS with; nil: they are plain. Those under way keep what they have.
  package var tls: TLSContext?
  package internal(set) var counters = GatewayCounters()
  private var listener: Listener?
  private var date = HTTPDate()

  package init(
    loop: EventLoop, limits: GatewayLimits, origins: OriginPolicy,
    application: any Application, pingTimeoutCode: CloseCode
  ) {
    self.loop = loop
    self.limits = limits
    deflate = limits.compression.map(DeflateContexts.init)
    self.origins = origins
    self.application = application
    self.pingTimeoutCode = pingTimeoutCode
  }

  /// Listens on `address`, which only the first worker finds out to be taken; gives the address
  /// bound. The listener keeps the worker alive.
  /// `exhausted` is told when the system has no descriptors left, at most five times a second.
  package func listen(
    on address: SocketAddress, isFirst: Bool = true, exhausted: @escaping (SystemError) -> Void
  ) throws(SystemError) -> SocketAddress {
    let listener = try Listener(
      on: loop, address: address, isFirst: isFirst,
      accepted: { descriptor, _ in self.accepted(descriptor) }, exhausted: exhausted)
    self.listener = listener
    return listener.address
  }

  /// Takes no more connections; those that speak HTTP close behind their next answer.
  package func stopListening() {
    listener?.close()
    listener = nil
  }

  var isListening: Bool { listener != nil }

  private func accepted(_ descriptor: Int32) {
    guard counters.connections < limits.connectionsMax else {
      return refuse(descriptor)
    }
    var layer: StreamLayer?
    if let tls {
      guard let begun = beginHandshake(tls) else { return refuse(descriptor) }
      layer = begun
    }
    do throws(SystemError) {
      try ClientConnection(worker: self, descriptor: descriptor, layer: layer).start()
      counters.accepted += 1
      counters.connections += 1
    } catch {
      counters.refused += 1
    }
  }

  private func refuse(_ descriptor: Int32) {
    counters.refused += 1
    loop.kernel.close(descriptor)
  }

  /// Nil when there are too many, or without memory.
  private func beginHandshake(_ tls: TLSContext) -> StreamLayer? {
    guard counters.handshakes < limits.handshakesMax, let session = TLSSession(server: tls) else {
      return nil
    }
    counters.handshakes += 1
    return StreamLayer(session, observer: self)
  }

  /// The `Date` field, made once a second.
  var dateField: ResponseField {
    ResponseField("Date", date.string(at: loop.kernel.wallMilliseconds()))
  }

  func ended(_ connection: ClientConnection) { counters.connections -= 1 }
}

extension Worker: StreamLayerObserver {
  package func handshakeEnded(isEstablished: Bool) {
    counters.handshakes -= 1
    if isEstablished { counters.handshakesDone += 1 } else { counters.handshakesFailed += 1 }
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
  package var accepted: UInt64 = 0
  /// Connections closed as they came: over `connectionsMax` or `handshakesMax`, or for want of
  /// memory.
  package var refused: UInt64 = 0
  package var requests: UInt64 = 0
  package var badRequests: UInt64 = 0
  package var upgrades: UInt64 = 0
  package var protocolErrors: UInt64 = 0
  /// Connections closed over `pendingBytesMax`.
  package var overflows: UInt64 = 0

  package init() {}
}
