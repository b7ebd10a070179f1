import Forwarding
import Reactor
import TLS

// How a connection begins: accepted, announced by its proxy if there is one, counted for its
// client's address, and given TLS.
extension Worker {
  func accepted(_ descriptor: Int32, from peer: SocketAddress?) {
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
    var layer: StreamLayer?
    if let tls {
      layer = beginHandshake(tls)
      guard layer != nil else {
        addresses.remove(place)
        return refuse(descriptor, from: peer, "too many handshakes")
      }
    }
    let connection = ClientConnection(
      worker: self, descriptor: descriptor, addressPlace: place, proxy: isProxy ? peer : nil,
      layer: layer)
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

  /// Nil when there are too many, or without memory.
  private func beginHandshake(_ tls: TLSContext) -> StreamLayer? {
    guard counters.handshakes < limits.handshakesMax, let session = TLSSession(server: tls) else {
      return nil
    }
    counters.handshakes += 1
    return StreamLayer(session, observer: self)
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
}
