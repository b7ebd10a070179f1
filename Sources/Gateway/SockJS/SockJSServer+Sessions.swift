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
    release(session.key)
  }

  private func release(_ session: SockJSSession.Key) {
    place.registry?.submit(
      [RegistryRequest(token: 0, operation: .releaseSession(name(of: session)))]) { _ in }
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
      return answer(mail, .refused(.unknownSession))
    case .congestion, .left, .accepted, .frame, .cut, .taken, .refused:
      return
    }
    searchNumber += 1
    searches[searchNumber] = mail
    let loop = place.loops[place.shard]
    place.registry?.submit([RegistryRequest(token: searchNumber, operation: operation)]) {
      loop.post(.registered($0))
    }
  }

  /// The registry forgot who holds what.
  package func claimAgain() {
    place.registry?.submit(
      sessions.keys.map { RegistryRequest(token: 0, operation: .claimSession(name(of: $0))) }
    ) { _ in }
  }

  /// The registry said whose session it is.
  func located(_ reply: RegistryReply) {
    guard let mail = searches.removeValue(forKey: reply.token) else { return }
    // It may have been opened meanwhile.
    guard sessions[mail.session] == nil else { return serve(mail) }
    switch (reply.result, mail.step) {
    case (.holder(let node?), _) where node != place.node:
      tell(mail.withoutOpening, sessionOn: node)
    case (_, .receive(let receiver, let identity, let opening?)):
      // Without the registry there is no telling: where requests keep to one node, that is right.
      open(mail, receiver, identity, opening)
    case (.unavailable, _):
      answer(mail, .refused(.busy))
    default:
      answer(mail, .refused(.unknownSession))
    }
  }

  private func open(
    _ mail: SockJSMail, _ receiver: SockJSReceiver, _ identity: String?,
    _ opening: SockJSMail.Opening
  ) {
    guard sessions.count < limits.sockJSSessionsMax, let place = count(opening.address) else {
      release(mail.session)
      return answer(mail, .refused(.busy))
    }
    let session = SockJSSession(
      mail.session, owner: identity, addressPlace: place, receiver: receiver, request: mail,
      on: self)
    sessions[mail.session] = session
    application?.opened(session, request: opening.request)
  }

  /// Counts a session for its client; nil when that has too many.
  private func count(_ address: IPAddress?) -> AddressTable.Place? {
    guard let address else { return addresses.add(.unspecified, countMax: nil) }
    return addresses.add(address, countMax: limits.sockJSSessionsPerAddressMax)
  }
}
