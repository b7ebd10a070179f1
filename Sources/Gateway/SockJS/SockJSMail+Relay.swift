import ChatCore
import SockJS

// How a step travels between nodes. The field `detail` has a callback's name.
extension SockJSMail {
  private enum Kind: UInt8 {
    case receive = 1
    case send, congested, relieved, left, missed, completed, finish
    case accepted = 16
    case frame, lastFrame, cut, taken, unknownSession, payloadExpected, brokenEncoding, tooLarge,
      busy
  }

  var isForSession: Bool {
    switch step {
    case .receive, .send, .congestion, .left, .missed, .completed, .finish: true
    case .accepted, .frame, .cut, .taken, .refused: false
    }
  }

  /// As another node gets it: it may have the session, but is not to open one.
  var withoutOpening: SockJSMail {
    guard case .receive(let receiver, let identity, opening: _) = step else { return self }
    var copy = self
    copy.step = .receive(receiver, identity: identity, opening: nil)
    return copy
  }

  // MARK: Coding

  init?(_ relay: Relay, mounts: [SockJSMount]) {
    guard let kind = Kind(rawValue: relay.kind), let slash = relay.session.lastIndex(of: "/"),
      let mount = mounts.firstIndex(where: { $0.prefix == relay.session[..<slash] }),
      let step = Self.step(kind, relay)
    else { return nil }
    exchange = SockJSExchange.Address(
      node: relay.exchange.node, shard: Int(relay.exchange.shard), number: relay.exchange.number)
    session = SockJSSession.Key(
      mount: mount, name: String(relay.session[relay.session.index(after: slash)...]))
    sender = relay.sender
    self.step = step
  }

  private static func step(_ kind: Kind, _ relay: Relay) -> Step? {
    let identity = relay.user.isEmpty ? nil : relay.user
    switch kind {
    case .receive:
      guard let number = UInt8(exactly: relay.number),
        let receiver = SockJSReceiver(number, callback: relay.detail)
      else { return nil }
      return .receive(receiver, identity: identity, opening: nil)
    case .send:
      guard let format = SockJSBodyFormat(rawValue: relay.number) else { return nil }
      return .send(relay.payload, format, identity: identity)
    case .congested: return .congestion(true)
    case .relieved: return .congestion(false)
    case .left: return .left
    case .missed: return .missed
    case .completed: return .completed
    case .finish: return .finish
    case .accepted: return .accepted
    case .frame: return .frame(relay.payload, number: relay.number, isLast: false)
    case .lastFrame: return .frame(relay.payload, number: relay.number, isLast: true)
    case .cut: return .cut
    case .taken: return .taken
    case .unknownSession: return .refused(.unknownSession)
    case .payloadExpected: return .refused(.payload(.payloadExpected))
    case .brokenEncoding: return .refused(.payload(.brokenEncoding))
    case .tooLarge: return .refused(.payload(.tooLarge))
    case .busy: return .refused(.busy)
    }
  }

  private var kind: Kind {
    switch step {
    case .receive: .receive
    case .send: .send
    case .congestion(let isCongested): isCongested ? .congested : .relieved
    case .left: .left
    case .missed: .missed
    case .completed: .completed
    case .finish: .finish
    case .accepted: .accepted
    case .frame(_, number: _, let isLast): isLast ? .lastFrame : .frame
    case .cut: .cut
    case .taken: .taken
    case .refused(.unknownSession): .unknownSession
    case .refused(.payload(.payloadExpected)): .payloadExpected
    case .refused(.payload(.brokenEncoding)): .brokenEncoding
    case .refused(.payload(.tooLarge)): .tooLarge
    case .refused(.busy): .busy
    }
  }

  func relay(mounts: [SockJSMount]) -> Relay {
    var relay = Relay(
      kind: kind.rawValue,
      exchange: Relay.Exchange(
        node: exchange.node, shard: UInt16(truncatingIfNeeded: exchange.shard),
        number: exchange.number),
      sender: sender, session: mounts[session.mount].prefix + "/" + session.name)
    switch step {
    case .receive(let receiver, let identity, opening: _):
      relay.number = UInt32(receiver.number)
      relay.detail = receiver.callback ?? ""
      relay.user = identity ?? ""
    case .send(let body, let format, let identity):
      relay.number = format.rawValue
      relay.user = identity ?? ""
      relay.payload = body
    case .frame(let bytes, let number, isLast: _):
      relay.number = number
      relay.payload = bytes
    case .congestion, .left, .missed, .completed, .finish, .accepted, .cut, .taken, .refused:
      break
    }
    return relay
  }
}

extension SockJSReceiver {
  fileprivate init?(_ number: UInt8, callback: String) {
    switch number {
    case 0: self = .xhr
    case 1: self = .xhrStreaming
    case 2: self = .eventSource
    case 3, 4:
      guard let callback = SockJSCallback(callback) else { return nil }
      self = number == 3 ? .htmlFile(callback) : .jsonp(callback)
    default: return nil
    }
  }

  fileprivate var number: UInt8 {
    switch self {
    case .xhr: 0
    case .xhrStreaming: 1
    case .eventSource: 2
    case .htmlFile: 3
    case .jsonp: 4
    }
  }

  fileprivate var callback: String? {
    switch self {
    case .xhr, .xhrStreaming, .eventSource: nil
    case .htmlFile(let callback), .jsonp(let callback): callback.name
    }
  }
}
