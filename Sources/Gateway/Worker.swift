import Forwarding
import HTTP1
package import Logging
package import Reactor
package import WebSocket

/// One event loop with a listener, its connections, and the application they serve.
package final class Worker {
  let loop: EventLoop
  let limits: GatewayLimits
  let origins: OriginPolicy
  let proxies: ProxyPolicy
  let application: any Application
  /// What a connection is closed with that answers no pings.
  let pingTimeoutCode: CloseCode
  package internal(set) var counters = GatewayCounters()
  /// Whom the connections are counted for.
  private(set) var addresses = AddressTable()
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
    self.origins = origins
    self.proxies = proxies
    self.application = application
    self.pingTimeoutCode = pingTimeoutCode
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

  var isListening: Bool { listener != nil }

  // MARK: Accepting

  private func accepted(_ descriptor: Int32, from peer: SocketAddress?) {
    // Every peer of an Internet socket has an address.
    let peer = peer.map { IPAddress($0) } ?? .unspecified
    guard counters.connections < limits.connectionsMax else {
      return refuse(descriptor, from: peer, "too many connections")
    }
    guard proxies.expectsHeader else { return connect(descriptor, from: peer, isForwarded: false) }
    guard proxies.trusted.contains(peer) else {
      return refuse(descriptor, from: peer, "no trusted proxy")
    }
    do throws(SystemError) {
      _ = try ProxyHeaderReader(worker: self, descriptor: descriptor, proxy: peer)
      counters.connections += 1
    } catch {
      refuse(descriptor, from: peer, "no kernel memory")
    }
  }

  /// A PROXY header has told on whose behalf the connection is.
  func announced(_ descriptor: Int32, by proxy: IPAddress, _ header: ProxyHeader) {
    counters.connections -= 1
    switch header {
    case .own: connect(descriptor, from: proxy, isForwarded: false)
    case .onBehalf(let client): connect(descriptor, from: client, isForwarded: true)
    }
  }

  /// A trusted proxy's connection has ended without a PROXY header.
  func notAnnounced(by proxy: IPAddress, _ error: ProxyHeaderError?) {
    counters.connections -= 1
    counters.badProxyHeaders += 1
    log.refused(proxy, error.map { "\($0)" } ?? "no PROXY header in time")
  }

  private func connect(_ descriptor: Int32, from peer: IPAddress, isForwarded: Bool) {
    let isProxy = proxies.trusted.contains(peer)
    let isExempt = isProxy || !isForwarded && peer.isLoopback
    let countMax = isExempt ? .max : limits.connectionsPerAddressMax
    guard let place = addresses.add(peer, countMax: countMax) else {
      counters.overAddressLimit += 1
      log.tooMany(from: peer, countMax, now: loop.now)
      return refuse(descriptor, from: peer, "too many connections of its address")
    }
    let connection = ClientConnection(
      worker: self, descriptor: descriptor, addressPlace: place, proxy: isProxy ? peer : nil)
    do throws(SystemError) {
      try connection.start()
      counters.accepted += 1
      counters.connections += 1
      log.accepted(peer)
    } catch {
      addresses.remove(place)
      counters.refused += 1
    }
  }

  private func refuse(_ descriptor: Int32, from peer: IPAddress, _ reason: String) {
    counters.refused += 1
    loop.kernel.close(descriptor)
    log.refused(peer, reason)
  }

  /// Counts a connection of `proxy`'s for the client of its present request, or for the proxy itself
  /// and answers false when the client has too many already.
  func count(
    _ connection: ClientConnection, for client: IPAddress, behind proxy: IPAddress
  ) -> Bool {
    guard addresses[connection.addressPlace] != client.subscriber else { return true }
    let countMax = proxies.trusted.contains(client) ? .max : limits.connectionsPerAddressMax
    let place = addresses.add(client, countMax: countMax)
    if place == nil {
      counters.overAddressLimit += 1
      log.tooMany(from: client, countMax, now: loop.now)
    }
    guard let place = place ?? addresses.add(proxy) else { return false }
    addresses.remove(connection.addressPlace)
    connection.addressPlace = place
    return addresses[place] == client.subscriber
  }

  func ended(_ connection: ClientConnection) {
    counters.connections -= 1
    addresses.remove(connection.addressPlace)
  }

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
  package var accepted: UInt64 = 0
  /// Connections closed as they came: over a limit, for want of kernel memory, or from nobody who
  /// may connect.
  package var refused: UInt64 = 0
  /// Connections, and requests through proxies, over `connectionsPerAddressMax`.
  package var overAddressLimit: UInt64 = 0
  /// Connections of trusted proxies without a whole PROXY header.
  package var badProxyHeaders: UInt64 = 0
  package var requests: UInt64 = 0
  package var badRequests: UInt64 = 0
  package var upgrades: UInt64 = 0
  package var protocolErrors: UInt64 = 0
  /// Connections closed over `pendingBytesMax`.
  package var overflows: UInt64 = 0

  package init() {}
}
