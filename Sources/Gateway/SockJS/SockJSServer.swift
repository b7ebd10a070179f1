package import ChatCore
package import HTTP1
package import Reactor
import SockJS

/// The SockJS services of one loop: the requests that come to it, and the sessions that it owns.
///
/// A request for a session goes to the loop that owns it, which the session's name decides, and if
/// that has no such session, to the node that the registry names: polling clients work behind a
/// balancer that sends each of their requests somewhere else. Steps of requests that came here are
/// in `SockJSServer+Requests.swift`, those for sessions in `SockJSServer+Sessions.swift`.
package final class SockJSServer: EventHandler {
  let loop: EventLoop
  let mounts: [SockJSMount]
  let limits: GatewayLimits
  let place: SockJSPlace
  /// Who a request says it is from, if it says so.
  let identify: (RequestHead) -> String?
  /// What the sessions exchange messages with.
  // Not weak: an object that anybody holds so keeps its counts aside, and each message counts twice.
  package unowned var application: (any Application)?

  /// Those this loop owns, until they are forgotten.
  var sessions: [SockJSSession.Key: SockJSSession] = [:]
  /// Whose they are.
  var addresses = AddressTable()
  /// Who begins sessions here how often.
  var sessionRates: AddressRates
  /// Requests of this loop that are not answered yet, by number.
  var exchanges: [UInt64: SockJSExchange] = [:]
  /// Counts from anywhere: what is still on its way to an earlier process of the node is no answer
  /// to a request of this one.
  var exchangeNumber = UInt64.random(in: 0 ... .max / 2)
  /// Requests whose session the registry is asked about.
  var searches = SockJSSearches()
  var counters = SockJSCounters()
  /// Whether the node stops: sessions end, and requests open no new ones.
  private(set) var isDraining = false
  var random = SystemRandomNumberGenerator()
  private(set) var token = Token(index: .max, generation: .max)
  var isSweeping = false

  package init(
    loop: EventLoop, mounts: [SockJSMount], limits: GatewayLimits, place: SockJSPlace,
    identify: @escaping (RequestHead) -> String? = { _ in nil }
  ) {
    self.loop = loop
    self.mounts = mounts
    self.limits = limits
    self.place = place
    self.identify = identify
    sessionRates = AddressRates(rate: limits.sessionRate, burst: limits.sessionBurst)
    token = loop.add(self)
  }

  /// What the loop has now, and has counted since it started.
  package var figures: SockJSCounters {
    var figures = counters
    figures.sessions = sessions.count
    figures.exchanges = exchanges.count
    return figures
  }

  /// The node stops. The application closes the sessions; what waits here for those of other nodes
  /// is ended, so that its clients go to another node.
  package func drain() {
    isDraining = true
    for exchange in exchanges.values { exchange.finish() }
  }

  // MARK: From outside

  package func receive(_ news: [SockJSNews]) {
    for item in news {
      switch item {
      case .mail(let mail): receive(mail)
      case .located(let location): located(location)
      }
    }
  }

  /// A step from another node, which every loop of this one gets to see.
  package func receive(_ relay: Relay) {
    guard let mail = SockJSMail(relay, mounts: mounts) else { return }
    let shard = mail.isForSession ? place.shard(of: mail.session) : mail.exchange.shard
    if shard == place.shard { receive(mail) }
  }

  private func receive(_ mail: SockJSMail) {
    if mail.isForSession { serve(mail) } else { answered(mail) }
  }

  /// A node's process has ended: what it was to answer or to receive is lost.
  package func nodeLost(_ node: NodeID) {
    loseExchanges { $0.host == node }
    loseReceivers { $0.node == node }
  }

  /// Steps from and to other nodes may have been lost.
  package func busRecovered() {
    loseExchanges { [place] in $0.host.map { $0 != place.node } ?? false }
    loseReceivers { [place] in $0.node != place.node }
  }

  // MARK: To the others

  /// Brings a step to the loop that owns the session, on the node given.
  func tell(_ mail: SockJSMail, sessionOn node: NodeID) {
    guard node == place.node else { return publish(mail, to: node) }
    let shard = place.shard(of: mail.session)
    if shard == place.shard { serve(mail) } else { place.loops[shard].post(.mail(mail)) }
  }

  /// Answers the request that `mail` is a step of.
  func answer(_ mail: SockJSMail, _ step: SockJSMail.Step) {
    let answer = mail.answered(by: place.node, step)
    let exchange = mail.exchange
    if exchange.node != place.node {
      publish(answer, to: exchange.node)
    } else if exchange.shard == place.shard {
      answered(answer)
    } else {
      place.loops[exchange.shard].post(.mail(answer))
    }
  }

  private func publish(_ mail: SockJSMail, to node: NodeID) {
    place.bus?.publish([(.node(node), .relay(mail.relay(mounts: mounts)))])
  }
}

/// What a loop counts of its SockJS services.
package struct SockJSCounters: Sendable {
  /// Sessions over WebSockets open now.
  package var sockets = 0
  /// Sessions over requests, those too that have ended and wait to be forgotten.
  package var sessions = 0
  /// Requests for sessions, of this node or others, that are not answered yet.
  package var exchanges = 0
  /// Requests that were carried to other nodes.
  package var carried: UInt64 = 0

  package init() {}
}
