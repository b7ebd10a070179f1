import ChatCore
import Forwarding
import HTTP1
import Reactor
import SockJS

// Steps of requests, wherever they came to, for the sessions that this loop owns.
extension SockJSServer {
  func serve(_ mail: SockJSMail) {
    guard let session = sessions[mail.session] else { return search(for: mail) }
    switch mail.step {
    case .receive(let receiver, let identity, opening: _):
      guard session.owner == identity else { return answer(mail, .refused(.unknownSession)) }
      session.attach(receiver, mail)
    case .send(let body, let format, let identity):
      guard session.owner == identity else { return answer(mail, .refused(.unknownSession)) }
      take(body, format, mail, session)
    case .congestion(let isCongested):
      session.receiverCongested(mail.exchange, isCongested)
    case .left:
      session.receiverLeft(mail.exchange)
    case .missed:
      session.receiverMissed(mail.exchange)
    case .completed:
      session.confirmed(mail.exchange)
    case .finish:
      session.endResponse(to: mail.exchange)
    case .accepted, .frame, .cut, .taken, .refused:
      break
    }
  }

  private func take(
    _ body: [UInt8], _ format: SockJSBodyFormat, _ mail: SockJSMail, _ session: SockJSSession
  ) {
    let limits = mounts[mail.session.mount].service.limits
    do throws(SockJSPayloadError) {
      let payload = try body.withUnsafeBufferPointer { (body) throws(SockJSPayloadError) in
        try SockJSPayload(
          UnsafeRawBufferPointer(body), contentType: format.contentType, over: format.transport,
          limits: limits)
      }
      session.take(payload, mail)
    } catch {
      answer(mail, .refused(.payload(error)))
    }
  }

  func forget(_ session: SockJSSession) {
    sessions[session.key] = nil
    loop.remove(session.token)
    addresses.remove(session.addressPlace)
    releaseUnlessHeld(session.key)
  }

  /// Gives up the claim that there may be, unless the session is here or about to be.
  private func releaseUnlessHeld(_ session: SockJSSession.Key) {
    guard sessions[session] == nil, !searches.claim(session) else { return }
    submit(.releaseSession(name(of: session))) { _ in }
  }

  private func submit(
    _ operation: RegistryRequest.Operation,
    reply: @escaping @Sendable (RegistryReply.Result) -> Void
  ) {
    place.registry?.submit([RegistryRequest(token: 0, operation: operation)]) { replies in
      for answer in replies { reply(answer.result) }
    }
  }

  func loseReceivers(where isLost: (SockJSExchange.Address) -> Bool) {
    for session in sessions.values { session.receiverLost(where: isLost) }
  }

  // MARK: Sessions that are not here

  /// A name among the sessions of all services.
  private func name(of key: SockJSSession.Key) -> String {
    mounts[key.mount].prefix + "/" + key.name
  }

  /// The loop has no such session: it may be one to open, or on another node.
  private func search(for mail: SockJSMail) {
    let operation: RegistryRequest.Operation
    switch mail.step {
    case .receive(let receiver, let identity, let opening?):
      guard place.registry != nil else { return open(mail, receiver, identity, opening) }
      operation = .claimSession(name(of: mail.session))
    case .send where mail.sender == place.node && place.registry != nil:
      operation = .sessionHolder(name(of: mail.session))
    case .receive, .send:
      answer(mail, .refused(.unknownSession))
      // The registry named this node to another one, for a session that is not here: what released
      // it was lost.
      if mail.sender != place.node { releaseUnlessHeld(mail.session) }
      return
    case .left, .missed:
      searches.leave(mail.exchange)
      return
    case .congestion, .completed, .finish, .accepted, .frame, .cut, .taken, .refused:
      return
    }
    searches.begin(mail)
    let loop = place.loops[place.shard]
    submit(operation) { [exchange = mail.exchange] in
      loop.post(.located(SockJSLocation(exchange: exchange, result: $0)))
    }
  }

  /// How often a session is claimed anew, so that the claim lasts as long as the session.
  static let claimInterval = RegistryRequest.sessionClaimTime / 3

  func claimAgain(_ session: SockJSSession.Key) {
    submit(.claimSession(name(of: session))) { _ in }
  }

  /// The registry forgot who holds what.
  package func claimAgain() {
    place.registry?.submit(
      sessions.keys.map { RegistryRequest(token: 0, operation: .claimSession(name(of: $0))) }
    ) { _ in }
  }

  /// The registry said whose session it is.
  func located(_ location: SockJSLocation) {
    guard let search = searches.end(location.exchange) else { return }
    let mail = search.mail
    // Nobody waits for it any more: what the session has is not for this request.
    guard !search.hasLeft else { return releaseUnlessHeld(mail.session) }
    // It may have been opened meanwhile.
    guard sessions[mail.session] == nil else { return serve(mail) }
    switch (location.result, mail.step) {
    case (.holder(let node?), _) where node != place.node:
      counters.carried += 1
      tell(mail.withoutOpening, sessionOn: node)
    case (.holder, .receive(let receiver, let identity, let opening?)):
      open(mail, receiver, identity, opening)
    case (.unavailable, _):
      // A request that opens a session looks like one for a session that another node may have, and
      // of one name there must not be two.
      answer(mail, .refused(.busy))
      if search.isClaim { releaseUnlessHeld(mail.session) }
    default:
      answer(mail, .refused(.unknownSession))
    }
  }

  private func open(
    _ mail: SockJSMail, _ receiver: SockJSReceiver, _ identity: String?,
    _ opening: SockJSMail.Opening
  ) {
    guard !isDraining, sessions.count < limits.sockJSSessionsMax, admits(opening.address),
      let place = count(opening.address)
    else {
      releaseUnlessHeld(mail.session)
      return answer(mail, .refused(.busy))
    }
    let session = SockJSSession(
      mail.session, owner: identity, addressPlace: place, receiver: receiver, request: mail,
      on: self)
    sessions[mail.session] = session
    application?.opened(session, request: opening.request)
  }

  /// Whether the client may begin one more session now.
  private func admits(_ address: IPAddress?) -> Bool {
    address.map { sessionRates.admit($0, now: loop.now.nanoseconds) } ?? true
  }

  /// Counts a session for its client; nil when that has too many.
  private func count(_ address: IPAddress?) -> AddressTable.Place? {
    guard let address else { return addresses.add(.unspecified, countMax: nil) }
    return addresses.add(address, countMax: limits.sockJSSessionsPerAddressMax)
  }
}
