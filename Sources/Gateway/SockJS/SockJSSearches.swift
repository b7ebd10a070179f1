/// A request whose session the registry is asked about.
struct SockJSSearch {
  let mail: SockJSMail
  /// Whether the client went meanwhile.
  fileprivate(set) var hasLeft = false

  /// Whether the node holds the session in the end, unless another does.
  var isClaim: Bool {
    if case .receive = mail.step { true } else { false }
  }
}

/// The requests of a loop that are searched for, and the sessions that they claim.
struct SockJSSearches {
  private var searches: [SockJSExchange.Address: SockJSSearch] = [:]
  /// How many of them claim each session. When the registry falls silent all end at once, and each
  /// asks; so nobody looks through the others.
  private var claims: [SockJSSession.Key: Int] = [:]

  func claim(_ session: SockJSSession.Key) -> Bool { claims[session] != nil }

  mutating func begin(_ mail: SockJSMail) {
    _ = end(mail.exchange)
    let search = SockJSSearch(mail: mail)
    if search.isClaim { claims[mail.session, default: 0] += 1 }
    searches[mail.exchange] = search
  }

  /// The registry has answered; nil when nobody asked.
  mutating func end(_ exchange: SockJSExchange.Address) -> SockJSSearch? {
    guard let search = searches.removeValue(forKey: exchange) else { return nil }
    if search.isClaim, let count = claims[search.mail.session] {
      claims[search.mail.session] = count > 1 ? count - 1 : nil
    }
    return search
  }

  mutating func leave(_ exchange: SockJSExchange.Address) { searches[exchange]?.hasLeft = true }
}
