package import HTTP1
import Reactor
import SockJS

// Requests as they come to this loop, and the answers to them.
extension SockJSServer {
  /// Between two looks at requests whose session is silent.
  private static let sweepInterval = Duration.seconds(5)
  /// How long a request waits for its session to say anything.
  private static let answerTime = Duration.seconds(15)

  /// How many bytes the body of a request may have; nil for one that brings no messages.
  package func bodyBytesMax(of request: RequestHead) -> Int? {
    for mount in mounts {
      guard let suffix = mount.suffix(of: request) else { continue }
      return mount.service.bodyBytesMax(of: request, suffix: suffix)
    }
    return nil
  }

  /// What becomes of a request; nil when no service has its path.
  package func answer(
    _ request: RequestHead, body: [UInt8], on connection: ClientConnection
  ) -> Answer? {
    for (index, mount) in mounts.enumerated() {
      guard let suffix = mount.suffix(of: request) else { continue }
      if mount.isSocketAtPrefix(request, suffix) {
        return .webSocket(subprotocols: mount.subprotocols)
      }
      switch mount.service.action(for: request, suffix: suffix, entropy: { random.next() }) {
      case .respond(let response):
        return .respond(Response(response))
      case .upgrade(isFramed: false):
        return .webSocket(subprotocols: mount.subprotocols)
      case .upgrade(isFramed: true):
        return .webSocket(subprotocols: [], carrying: SockJSSocket(mount: index, on: self))
      case .receive(let receive):
        let exchange = begin(
          .receive(receive), .init(mount: index, name: receive.session), connection)
        tell(
          exchange,
          .receive(
            receive.receiver, identity: identify(request),
            opening: SockJSMail.Opening(request: request, address: connection.limitedAddress)))
        return .handOver(exchange)
      case .send(let send):
        let exchange = begin(.send(send), .init(mount: index, name: send.session), connection)
        tell(exchange, .send(body, SockJSBodyFormat(send), identity: identify(request)))
        return .handOver(exchange)
      }
    }
    return nil
  }

  private func begin(
    _ request: SockJSExchange.Request, _ session: SockJSSession.Key, _ connection: ClientConnection
  ) -> SockJSExchange {
    exchangeNumber += 1
    let address = SockJSExchange.Address(
      node: place.node, shard: place.shard, number: exchangeNumber)
    let exchange = SockJSExchange(
      request, session: session, address: address, on: connection, server: self)
    exchanges[exchangeNumber] = exchange
    sweepLater()
    return exchange
  }

  private func tell(_ exchange: SockJSExchange, _ step: SockJSMail.Step) {
    tell(
      SockJSMail(
        exchange: exchange.address, session: exchange.session, sender: place.node, step: step),
      sessionOn: place.node)
  }

  func ended(_ exchange: SockJSExchange) { exchanges[exchange.address.number] = nil }

  /// A session said something to a request of this loop.
  func answered(_ mail: SockJSMail) {
    if let exchange = exchanges[mail.exchange.number], exchange.session == mail.session {
      return exchange.received(mail.step, from: mail.sender)
    }
    // Its client went before the session knew of it.
    switch mail.step {
    case .accepted, .frame:
      let farewell = mail.answered(by: place.node, .missed)
      // Not at once where the session is here: it is in the midst of saying this.
      guard mail.sender == place.node else { return tell(farewell, sessionOn: mail.sender) }
      place.loops[place.shard(of: mail.session)].post(.mail(farewell))
    case .cut, .taken, .refused, .receive, .send, .congestion, .left, .missed, .completed, .finish:
      break
    }
  }

  // MARK: Sessions that are out of reach

  func loseExchanges(where isLost: (SockJSExchange) -> Bool) {
    for exchange in exchanges.values where isLost(exchange) { exchange.giveUp() }
  }

  package func timerFired() {
    isSweeping = false
    guard !exchanges.isEmpty else { return }
    let now = loop.now
    let silence = (mounts.map(\.service.limits.heartbeatDelay).max() ?? .zero) * 2
    loseExchanges { exchange in
      now - exchange.heardAt > (exchange.host == nil ? Self.answerTime : silence + Self.answerTime)
    }
    sweepLater()
  }

  private func sweepLater() {
    guard !isSweeping else { return }
    isSweeping = true
    loop.setTimer(for: token, at: loop.now + Self.sweepInterval)
  }
}

extension Response {
  init(_ response: SockJSResponse) {
    self.init(response.status, allFields: response.fields, body: response.body)
  }
}
