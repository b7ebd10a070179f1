internal import DequeModule
package import Reactor
internal import TLS

/// What a client tells of its connection.
package enum RedisEvent: Hashable, Sendable {
  /// The server has answered the greeting; commands sent from here on reach it first.
  case connected
  /// An attempt failed or the connection ended; the next attempt is under way.
  case lost(RedisFailure)
  /// On a channel that this connection subscribed to.
  case message(channel: [UInt8], RedisValue)
}

/// Keeps one connection to a Redis server, and sends pipelined commands over it.
///
/// Confined to its loop. Every command is answered exactly once and in order, with `unavailable`
/// when the server is away. The connection is made again by itself, with back-off.
package final class RedisClient {
  private enum State {
    case idle
    case resolving
    /// With the addresses that are left to try.
    case connecting(RedisConnection, ArraySlice<SocketAddress>)
    /// Connected, and the answers to the greeting are outstanding.
    case greeting(RedisConnection, ArraySlice<SocketAddress>)
    case ready(RedisConnection)
    case waiting
    case stopped
  }

  private struct Outstanding {
    let deadline: Instant
    let reply: (RedisOutcome) -> Void
  }

  private let endpoint: RedisEndpoint
  private let limits: RedisLimits
  private let loop: EventLoop
  private let resolver: Resolver
  private let onEvent: (RedisEvent) -> Void
  private let timer: LoopTimer
  /// Nil for a plain connection.
  private var tls: TLSConnector?
  private var backoff: Backoff
  private var state = State.idle
  private var outstanding: Deque<Outstanding> = []
  /// Tells an answer of the resolver to this attempt from one to an earlier.
  private var attempt: UInt64 = 0

  /// - Parameters:
  ///   - resolver: the system's on this loop, unless it is another.
  ///   - jitter: gives a duration in a range, for the delays between attempts.
  package init(
    endpoint: RedisEndpoint, limits: RedisLimits = RedisLimits(), on loop: EventLoop,
    resolver: Resolver? = nil,
    jitter: @escaping @Sendable (ClosedRange<Duration>) -> Duration = Backoff.random,
    onEvent: @escaping (RedisEvent) -> Void
  ) {
    self.endpoint = endpoint
    tls = endpoint.trust.map { TLSConnector(to: endpoint.url.host, trusting: $0) }
    self.limits = limits
    self.loop = loop
    self.onEvent = onEvent
    self.resolver = resolver ?? Resolver(on: loop)
    timer = LoopTimer(on: loop)
    backoff = Backoff(
      delayMin: limits.reconnectDelayMin, delayMax: limits.reconnectDelayMax, jitter: jitter)
  }

  package var isReady: Bool {
    if case .ready = state { true } else { false }
  }

  package func start() {
    guard case .idle = state else { preconditionFailure("a Redis client was started twice") }
    timer.handler = { [unowned self] in timerFired() }
    connect()
  }

  /// Ends the connection; commands without an answer get `unavailable`. No event follows.
  package func stop() {
    let connection = connection
    state = .stopped
    timer.remove()
    connection?.close(RedisFailure(.lost, "stopped"))
    answerOutstanding()
  }

  package func send(_ command: RedisCommand, reply: @escaping (RedisOutcome) -> Void) {
    guard case .ready(let connection) = state, outstanding.count < limits.outstandingMax else {
      return reply(.unavailable)
    }
    send(command, on: connection, reply: reply)
  }

  /// Has messages of the channel come as events until the connection ends; `reply` is told whether
  /// they will. A connection that has subscribed is for nothing else.
  package func subscribe(to channel: String, reply: @escaping (RedisOutcome) -> Void) {
    guard case .ready(let connection) = state else { return reply(.unavailable) }
    connection.acceptMessages()
    send(RedisCommand(subscribingTo: channel), on: connection, reply: reply)
  }

  /// Gives the connection up, as if it had broken; the next attempt is under way.
  package func reconnect(_ reason: String) {
    connection?.close(RedisFailure(.timedOut, reason))
  }

  private func send(
    _ command: RedisCommand, on connection: RedisConnection,
    reply: @escaping (RedisOutcome) -> Void
  ) {
    guard connection.send(command) else { return reply(.unavailable) }
    let deadline = loop.now + limits.commandTimeout
    if outstanding.isEmpty, isReady { timer.set(at: deadline) }
    outstanding.append(Outstanding(deadline: deadline, reply: reply))
  }

  // MARK: Connecting

  private func connect() {
    state = .resolving
    attempt += 1
    let attempt = attempt
    timer.set(at: loop.now + limits.connectTimeout)
    resolver.resolve(host: endpoint.url.host, port: endpoint.url.port) { [weak self] answer in
      guard let self, attempt == self.attempt, case .resolving = self.state else { return }
      self.resolved(answer)
    }
  }

  private func resolved(_ answer: Resolver.Answer) {
    switch answer {
    case .success(let addresses): tryNext(of: addresses[...])
    case .failure(let error): lost(RedisFailure(.unreachable, "\(error)"))
    }
  }

  /// A name may stand for several addresses of which not all answer: `localhost` often does.
  private func tryNext(of addresses: ArraySlice<SocketAddress>) {
    timer.set(at: loop.now + limits.connectTimeout)
    var rest = addresses
    var failure = RedisFailure(.unreachable, "no address")
    while let address = rest.popFirst() {
      do throws(RedisFailure) {
        let connection = try RedisConnection(
          to: address, layer: try layer(), limits: limits, on: loop, owner: self)
        state = .connecting(connection, rest)
        return
      } catch {
        failure = error
      }
    }
    lost(failure)
  }

  private func layer() throws(RedisFailure) -> StreamLayer? {
    do throws(TLSFileError) {
      return try tls?.makeLayer()
    } catch {
      throw RedisFailure(.insecure, "\(error)")
    }
  }

  /// Says who we are; the ping finds out whether a server without a password wants one.
  private func greet(_ connection: RedisConnection) {
    var commands: [RedisCommand] = []
    if let password = endpoint.url.password {
      commands.append(RedisCommand(["AUTH"] + [endpoint.url.user, password].compactMap(\.self)))
    }
    if endpoint.database != 0 {
      commands.append(RedisCommand(["SELECT", String(endpoint.database)]))
    }
    commands.append(RedisCommand(["PING"]))
    for (index, command) in commands.enumerated() {
      let isLast = index == commands.count - 1
      send(command, on: connection) { [unowned self] outcome in
        greeted(outcome, isLast: isLast)
      }
    }
  }

  private func greeted(_ outcome: RedisOutcome, isLast: Bool) {
    guard case .greeting(let connection, _) = state, case .value(let value) = outcome else {
      return
    }
    switch value {
    case .status:
      guard isLast else { return }
      state = .ready(connection)
      backoff.reset()
      timer.cancel()
      onEvent(.connected)
    case .error(let message):
      connection.close(RedisFailure(.refused, message))
    case .null, .integer, .string, .array:
      connection.close(RedisFailure(.badReply, "to the greeting"))
    }
  }

  private var connection: RedisConnection? {
    switch state {
    case .connecting(let connection, _), .greeting(let connection, _), .ready(let connection):
      connection
    case .idle, .resolving, .waiting, .stopped: nil
    }
  }

  private func lost(_ failure: RedisFailure) {
    if case .stopped = state { return }
    state = .waiting
    timer.set(at: loop.now + backoff.next())
    answerOutstanding()
    // An answer above may have stopped the client.
    if case .waiting = state { onEvent(.lost(failure)) }
  }

  private func answerOutstanding() {
    while let next = outstanding.popFirst() { next.reply(.unavailable) }
  }

  // MARK: Time

  private func timerFired() {
    switch state {
    case .idle, .stopped: break
    case .waiting: connect()
    case .resolving: lost(RedisFailure(.unreachable, "no address in time"))
    case .connecting(let connection, _):
      connection.close(RedisFailure(.unreachable, "no connection in time"))
    case .greeting(let connection, _):
      connection.close(RedisFailure(.timedOut, "no answer to the greeting"))
    case .ready(let connection):
      guard let oldest = outstanding.first else { return }
      if connection.hasRest {
        // Its answer is here, perhaps.
        timer.set(at: loop.now)
      } else if oldest.deadline <= loop.now {
        connection.close(RedisFailure(.timedOut, "\(outstanding.count) commands outstanding"))
      } else {
        timer.set(at: oldest.deadline)
      }
    }
  }
}

extension RedisClient: RedisConnectionOwner {
  func connected() {
    guard case .connecting(let connection, let rest) = state else { return }
    state = .greeting(connection, rest)
    greet(connection)
  }

  func received(_ value: RedisValue) {
    if connection?.acceptsMessages == true, let (channel, content) = value.message {
      onEvent(.message(channel: channel, content))
    } else if let answered = outstanding.popFirst() {
      answered.reply(.value(value))
    } else {
      connection?.close(RedisFailure(.badReply, "unasked for"))
    }
  }

  func ended(_ failure: RedisFailure) {
    if failure.kind == .insecure { tls?.forgetAuthorities() }
    switch state {
    case .connecting(_, let rest) where failure.isOfAddress && !rest.isEmpty,
      .greeting(_, let rest) where failure.isOfAddress && !rest.isEmpty:
      answerOutstanding()
      tryNext(of: rest)
    case .idle, .resolving, .connecting, .greeting, .ready, .waiting, .stopped:
      lost(failure)
    }
  }
}

extension RedisValue {
  /// What a message of a subscription holds.
  fileprivate var message: (channel: [UInt8], content: RedisValue)? {
    guard case .array(let parts) = self, parts.count == 3,
      parts[0] == .string(Self.messageKind), case .string(let channel) = parts[1]
    else { return nil }
    return (channel, parts[2])
  }

  private static let messageKind = Array("message".utf8)
}
