import DequeModule
package import Reactor

/// Whom a connection tells about its life, on the loop.
package protocol PostgresConnectionOwner: AnyObject {
  /// The session takes queries: the owner sets it up, and calls `setUpSucceeded()` after that.
  func connectionOpened(_ connection: PostgresConnection)
  /// An attempt failed or the session ended. What was under way has been answered; the next
  /// attempt follows by itself after a delay, unless the owner closes the connection.
  func connectionLost(_ connection: PostgresConnection, _ error: PostgresError)
}

/// A session with a PostgreSQL server that is made again whenever it is lost.
///
/// Confined to its loop. Queries are pipelined: each goes out at the end of the turn, runs in a
/// transaction of its own unless it begins one, and is answered in order.
package final class PostgresConnection: EventHandler {
  package typealias Reply = (Result<PostgresRows, PostgresError>) -> Void

  private struct InFlight {
    var reply: Reply
    var deadline: Instant
    var outcome: Result<PostgresRows, PostgresError>?
  }

  private enum State {
    case idle
    case resolving
    case connecting(PostgresLink, untried: ArraySlice<SocketAddress>)
    case open(PostgresLink)
    case backingOff
    case closed
  }

  private let configuration: PostgresConfiguration
  private let loop: EventLoop
  private let resolver: Resolver
  private weak var owner: (any PostgresConnectionOwner)?
  private var timer: Token?
  private var state = State.idle
  private var backoff: Backoff
  private var inFlight: Deque<InFlight> = []
  private var bytesSinceReply = 0
  /// Whether replies that are here wait for the next turn, which `restTimer` begins.
  private var hasRest = false
  private let restTimer: LoopTimer

  /// `backoff` gives the delays between attempts.
  package init(
    configuration: PostgresConfiguration, loop: EventLoop, resolver: Resolver, backoff: Backoff,
    owner: any PostgresConnectionOwner
  ) {
    self.configuration = configuration
    self.loop = loop
    self.resolver = resolver
    self.backoff = backoff
    self.owner = owner
    restTimer = LoopTimer(on: loop)
    restTimer.handler = { [unowned self] in takeRest() }
  }

  // MARK: Orders of the owner

  /// Begins the first attempt; the owner is told how it ends.
  package func start() {
    timer = loop.add(self)
    resolve()
  }

  /// Whether queries may be sent.
  package var isOpen: Bool {
    if case .open = state { true } else { false }
  }

  /// Queries sent and not yet answered.
  package var inFlightCount: Int { inFlight.count }

  /// The session works: the next failure will be retried soon.
  package func setUpSucceeded() { backoff.reset() }

  /// Sends a query on an open session. `reply` runs exactly once, never within this call.
  package func send(_ query: PostgresQuery, reply: @escaping Reply) {
    guard case .open(let link) = state else {
      preconditionFailure("a query was sent on a session that is not open")
    }
    let deadline = loop.now + (query.timeout ?? configuration.requestTimeout)
    inFlight.append(InFlight(reply: reply, deadline: deadline))
    if link.send(query) {
      link.scheduleFlush()
      if inFlight.count == 1 { arm(at: deadline) }
    } else {
      // The owner is in the middle of something: it learns of the failure from the timer.
      arm(at: loop.now)
    }
  }

  /// Gives an open session up, as if the server had ended it.
  package func drop(_ error: PostgresError) {
    if case .open = state { lost(error) }
  }

  /// Ends the session for good; what is under way is answered.
  package func close() {
    state = .closed
    if let timer { loop.remove(timer) }
    timer = nil
    restTimer.remove()
    answerAll(.disconnected(reason: "the connection was closed"))
  }

  // MARK: Connecting

  private func resolve() {
    state = .resolving
    resolver.resolve(host: configuration.host, port: configuration.port) { [weak self] answer in
      guard let self, case .resolving = self.state else { return }
      switch answer {
      case .success(let addresses): self.connect(to: addresses[...])
      case .failure(let error): self.lost(.disconnected(reason: "\(error)"))
      }
    }
  }

  private func connect(to addresses: ArraySlice<SocketAddress>) {
    guard let address = addresses.first,
      let link = PostgresLink(
        keywords: configuration.keywords(address: address.host), loop: loop)
    else { return lost(.disconnected(reason: "no address and no memory for a connection")) }
    bytesSinceReply = 0
    state = .connecting(link, untried: addresses.dropFirst())
    arm(at: loop.now + configuration.connectTimeout)
    advance(link, isFirst: true)
  }

  private func advance(_ link: PostgresLink, isFirst: Bool) {
    do throws(SystemError) {
      switch try link.connect(isFirst: isFirst, handler: self) {
      case .underWay: break
      case .connected:
        state = .open(link)
        disarm()
        owner?.connectionOpened(self)
      case .failed(let error): lost(error)
      }
    } catch {
      lost(.disconnected(reason: "\(error)"))
    }
  }

  /// Tries the next address, or waits before it begins again.
  private func lost(_ error: PostgresError) {
    if case .connecting(_, let untried) = state, !untried.isEmpty { return connect(to: untried) }
    state = .backingOff
    hasRest = false
    arm(at: loop.now + backoff.next())
    answerAll(error)
    owner?.connectionLost(self, error)
  }

  private func answerAll(_ error: PostgresError) {
    let unanswered = inFlight
    inFlight.removeAll()
    for query in unanswered { query.reply(.failure(error)) }
  }

  // MARK: Events

  package func becameReady(_ readiness: Readiness) {
    switch state {
    case .connecting(let link, _): advance(link, isFirst: false)
    case .open(let link):
      if readiness.contains(.writable) && !link.flush() { return lost(link.lastError) }
      if readiness != .writable, !hasRest { receive(link) }
    case .idle, .resolving, .backingOff, .closed: break
    }
  }

  package func flush() {
    if case .open(let link) = state, !link.flush() { lost(link.lastError) }
  }

  package func timerFired() {
    switch state {
    case .connecting: lost(.disconnected(reason: "\(configuration) did not answer in time"))
    case .open(let link):
      // Answers that are here count, however late.
      if hasRest { return arm(at: loop.now) }
      if link.isBroken { return lost(link.lastError) }
      guard let first = inFlight.first else { return }
      guard first.deadline <= loop.now else { return arm(at: first.deadline) }
      lost(.disconnected(reason: "a query was not answered in time"))
    case .backingOff: resolve()
    case .idle, .resolving, .closed: break
    }
  }

  private func receive(_ link: PostgresLink) {
    guard let bytes = link.receive() else { return lost(link.lastError) }
    bytesSinceReply += bytes
    guard bytesSinceReply <= configuration.replyBytesMax else {
      return lost(.disconnected(reason: "the server sent more than any reply may have"))
    }
    takeReplies(link)
    if isCurrent(link), !hasRest, link.isBroken { lost(link.lastError) }
  }

  /// Answers queries for as long as a turn takes events: the rest waits for the next.
  private func takeReplies(_ link: PostgresLink) {
    let end = loop.kernel.now() + EventLoop.eventTime
    hasRest = false
    // Between two queries there is one end of results; a second one means that nothing is left.
    var wasEnd = false
    while !inFlight.isEmpty, let part = link.nextReply() {
      switch part {
      case .endOfResults:
        if wasEnd { return }
        wasEnd = true
        continue
      case .rows(let rows):
        if inFlight[0].outcome == nil { inFlight[0].outcome = .success(rows) }
      case .refused(let error): inFlight[0].outcome = .failure(error)
      case .endOfQuery:
        answerFirst()
        guard isCurrent(link) else { return }
        guard loop.kernel.now() < end || inFlight.isEmpty else {
          hasRest = true
          return restTimer.fireInNextTurn()
        }
      }
      wasEnd = false
    }
  }

  private func takeRest() {
    guard hasRest, case .open(let link) = state else { return }
    takeReplies(link)
    if isCurrent(link), !hasRest, link.isBroken { lost(link.lastError) }
  }

  private func answerFirst() {
    let query = inFlight.removeFirst()
    bytesSinceReply = 0
    if let next = inFlight.first { arm(at: next.deadline) } else { disarm() }
    let silence = PostgresError.disconnected(reason: "the server left a query without a result")
    query.reply(query.outcome ?? .failure(silence))
  }

  /// A callback may have closed the connection or lost this link.
  private func isCurrent(_ link: PostgresLink) -> Bool {
    if case .open(let current) = state { current === link } else { false }
  }

  private func arm(at deadline: Instant) {
    if let timer { loop.setTimer(for: timer, at: deadline) }
  }

  private func disarm() {
    if let timer { loop.cancelTimer(for: timer) }
  }
}
