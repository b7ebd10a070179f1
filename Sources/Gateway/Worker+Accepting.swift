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
    guard isExempt || connectionRates.admit(peer, now: loop.now.nanoseconds) else {
      overAddressLimit(peer, AddressLimit(countMax: limits.connectionBurst, of: "new connections"))
      return refuse(descriptor, from: peer, "its address connects too often")
    }
    let countMax = isExempt ? nil : limits.connectionsPerAddressMax
    guard let place = addresses.add(peer, countMax: countMax) else {
      overAddressLimit(peer, limits.connectionsOfAddress)
      return refuse(descriptor, from: peer, "too many connections of its address")
    }
    var layer: StreamLayer?
    if let tls {
      do throws(HandshakeRefusal) {
        layer = try beginHandshake(tls, peer, isExempt: isExempt)
      } catch {
        addresses.remove(place)
        return refuse(descriptor, from: peer, error.rawValue)
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

  private enum HandshakeRefusal: String, Error {
    case tooMany = "too many handshakes"
    case tooManyOfAddress = "too many handshakes of its address"
    case noMemory = "no memory for a handshake"
  }

  private func beginHandshake(
    _ tls: TLSContext, _ peer: IPAddress, isExempt: Bool
  ) throws(HandshakeRefusal) -> StreamLayer {
    guard counters.handshakes < limits.handshakesMax else { throw .tooMany }
    let countMax = isExempt ? nil : limits.handshakesPerAddressMax
    guard let place = handshakeAddresses.add(peer, countMax: countMax) else {
      let limit = AddressLimit(countMax: limits.handshakesPerAddressMax, of: "handshakes")
      overAddressLimit(peer, limit)
      throw .tooManyOfAddress
    }
    guard let session = TLSSession(server: tls) else {
      handshakeAddresses.remove(place)
      throw .noMemory
    }
    counters.handshakes += 1
    return StreamLayer(
      session, observer: HandshakeWatch(session, of: peer, place: place, on: self))
  }

  /// A connection's handshake is done, or its socket was closed before.
  func ended(_ handshake: HandshakeWatch, isEstablished: Bool) {
    counters.handshakes -= 1
    handshakeAddresses.remove(handshake.place)
    guard !isEstablished else {
      counters.handshakesDone += 1
      return
    }
    counters.handshakesFailed += 1
    let failure = handshake.session.failure
    if let failure { counters.handshakeFailures[failure, default: 0] += 1 }
    log.handshakeFailed(handshake.peer, failure)
  }

  /// Whether a client may begin one more WebSocket or SockJS session now.
  ///
  /// - Parameter client: its `limitedAddress`.
  func admitsSession(of client: IPAddress?) -> Bool {
    guard let client, !sessionRates.admit(client, now: loop.now.nanoseconds) else { return true }
    overAddressLimit(client, AddressLimit(countMax: limits.sessionBurst, of: "new sessions"))
    return false
  }

  private func overAddressLimit(_ client: IPAddress, _ limit: AddressLimit) {
    counters.overAddressLimit += 1
    log.tooMany(from: client, limit, now: loop.now)
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
    let isExempt = proxies.trusted.contains(client)
    guard !addresses.isCounted(client, isExempt: isExempt, at: connection.addressPlace) else {
      return true
    }
    let countMax = isExempt ? nil : limits.connectionsPerAddressMax
    let clientPlace = addresses.add(client, countMax: countMax)
    if clientPlace == nil { overAddressLimit(client, limits.connectionsOfAddress) }
    guard let place = clientPlace ?? addresses.add(proxy, countMax: nil) else { return false }
    addresses.remove(connection.addressPlace)
    connection.addressPlace = place
    return clientPlace != nil
  }

  func ended(_ connection: ClientConnection) {
    counters.connections -= 1
    addresses.remove(connection.addressPlace)
  }
}

extension GatewayLimits {
  fileprivate var connectionsOfAddress: AddressLimit {
    AddressLimit(countMax: connectionsPerAddressMax, of: "connections")
  }
}
