package import Reactor
internal import TLS

/// Keeps one connection with one channel to a broker, set up the same way each time.
///
/// Confined to its loop. The connection is made again by itself, with back-off.
package final class AMQPClient {
  private enum State {
    case idle
    case resolving
    /// With the addresses that are left to try.
    case connecting(AMQPConnection, ArraySlice<SocketAddress>)
    case ready(AMQPConnection)
    case waiting
    case stopping(() -> Void)
    case stopped
  }

  private let endpoint: AMQPEndpoint
  private let name: String
  private let setup: [AMQPSetup]
  private let limits: AMQPLimits
  private let loop: EventLoop
  private let resolver: Resolver
  private let timer: LoopTimer
  private let onEvent: (AMQPEvent) -> Void
  /// Nil for a plain connection.
  private var tls: TLSConnector?
  private var backoff: Backoff
  private var state = State.idle
  private var attempt: UInt64 = 0
  /// Messages published on this connection; the broker numbers them alike.
  private var published: UInt64 = 0

  /// - Parameters:
  ///   - name: shown by the broker for this connection.
  ///   - resolver: the system's on this loop, unless it is another.
  ///   - jitter: gives a duration in a range, for the delays between attempts.
  package init(
    endpoint: AMQPEndpoint, name: String, setup: [AMQPSetup], limits: AMQPLimits = AMQPLimits(),
    on loop: EventLoop, resolver: Resolver? = nil,
    jitter: @escaping @Sendable (ClosedRange<Duration>) -> Duration = Backoff.random,
    onEvent: @escaping (AMQPEvent) -> Void
  ) {
    self.endpoint = endpoint
    tls = endpoint.trust.map { TLSConnector(to: endpoint.url.host, trusting: $0) }
    self.name = name
    self.setup = setup
    self.limits = limits
    self.loop = loop
    self.onEvent = onEvent
    self.resolver = resolver ?? Resolver(on: loop)
    timer = LoopTimer(on: loop)
    backoff = Backoff(
      delayMin: limits.reconnectDelayMin, delayMax: limits.reconnectDelayMax, jitter: jitter)
  }

  package func start() {
    guard case .idle = state else { preconditionFailure("an AMQP client was started twice") }
    timer.handler = { [unowned self] in timerFired() }
    connect()
  }

  /// Closes the connection in order, and completes within a bounded time. No event follows.
  package func stop(completion: @escaping () -> Void) {
    let before = state
    timer.remove()
    switch before {
    case .connecting(let connection, _), .ready(let connection):
      state = .stopping(completion)
      connection.close()
    case .idle, .resolving, .waiting, .stopped:
      state = .stopped
      completion()
    case .stopping:
      preconditionFailure("an AMQP client was stopped twice")
    }
  }

  /// Publishes a transient, mandatory message and gives its delivery tag, or nil when there is no
  /// connection or no room: see `AMQPEvent.writable`.
  package func publish(_ body: [UInt8], exchange: String, key: String) -> UInt64? {
    guard case .ready(let connection) = state,
      connection.publish(body, exchange: exchange, key: key)
    else { return nil }
    published += 1
    return published
  }

  /// Leaves what the broker sends in the kernel, or goes on reading. Nothing at all is noticed
  /// meanwhile: no confirmation and no heartbeat. A new connection reads.
  package func setReading(_ isReading: Bool) {
    if case .ready(let connection) = state { connection.setReading(isReading) }
  }

  /// Sends what was published before the turn's end.
  package func flush() {
    if case .ready(let connection) = state { connection.flush() }
  }

  package func acknowledge(upTo tag: UInt64) {
    guard case .ready(let connection) = state else { return }
    connection.acknowledge(upTo: tag)
  }

  // MARK: Connecting

  private func connect() {
    state = .resolving
    attempt += 1
    let attempt = attempt
    timer.set(at: loop.now + limits.connectTimeout)
    resolver.resolve(host: endpoint.url.host, port: endpoint.url.port) { [weak self] answer in
      guard let self, attempt == self.attempt, case .resolving = self.state else { return }
      self.timer.cancel()
      switch answer {
      case .success(let addresses): self.tryNext(of: addresses[...])
      case .failure(let error): self.lost(AMQPFailure(.unreachable, "\(error)"))
      }
    }
  }

  /// A name may stand for several addresses of which not all answer: `localhost` often does.
  private func tryNext(of addresses: ArraySlice<SocketAddress>) {
    var rest = addresses
    var failure = AMQPFailure(.unreachable, "no address")
    while let address = rest.popFirst() {
      do throws(AMQPFailure) {
        let connection = try connection(to: address)
        published = 0
        state = .connecting(connection, rest)
        return
      } catch {
        failure = error
      }
    }
    lost(failure)
  }

  private func connection(to address: SocketAddress) throws(AMQPFailure) -> AMQPConnection {
    let layer = try layer()
    do throws(SystemError) {
      return try AMQPConnection(
        to: address, layer: layer, endpoint: endpoint, name: name, setup: setup, limits: limits,
        on: loop, owner: self)
    } catch {
      throw AMQPFailure(.unreachable, "\(error)")
    }
  }

  private func layer() throws(AMQPFailure) -> StreamLayer? {
    do throws(TLSFileError) {
      return try tls?.makeLayer()
    } catch {
      throw AMQPFailure(.insecure, "\(error)")
    }
  }

  private func lost(_ failure: AMQPFailure) {
    state = .waiting
    timer.set(at: loop.now + backoff.next())
    onEvent(.lost(failure))
  }

  private func timerFired() {
    switch state {
    case .waiting: connect()
    case .resolving: lost(AMQPFailure(.unreachable, "no address in time"))
    case .idle, .connecting, .ready, .stopping, .stopped: break
    }
  }
}

extension AMQPClient: AMQPConnectionOwner {
  func received(_ event: AMQPEvent) {
    switch (event, state) {
    case (.ready, .connecting(let connection, _)):
      state = .ready(connection)
      backoff.reset()
      onEvent(event)
    case (.lost, _), (_, .stopping), (_, .stopped):
      break
    default:
      onEvent(event)
    }
  }

  func ended(_ failure: AMQPFailure) {
    if failure.kind == .insecure { tls?.forgetAuthorities() }
    switch state {
    case .stopping(let completion):
      state = .stopped
      completion()
    case .connecting(_, let rest) where failure.isOfAddress && !rest.isEmpty:
      tryNext(of: rest)
    case .connecting, .ready:
      lost(failure)
    case .idle, .resolving, .waiting, .stopped:
      break
    }
  }
}
