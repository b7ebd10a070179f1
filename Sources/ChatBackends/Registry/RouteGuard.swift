internal import ChatCore
internal import ChatProtocol
internal import DequeModule
internal import Logging
internal import Reactor
internal import RedisClient

// How it is known that a kept route is still right.
//
// Redis remembers which keys the connection of the commands has read and asked to be told of
// (`CLIENT TRACKING`), and when one of them changes, by whomever, it writes the key to a second
// connection, which subscribes to the channel of invalidations. It writes it while it executes the
// change, or directly behind it when this node's own commands made it (`trackingInvalidateKey` and
// `afterCommand` in Redis 7.0), and always before it executes the next command of anybody.
//
// So a message that the connection of the commands publishes to the second connection is a
// barrier: when it arrives there, the invalidations of all changes made before it have arrived.
// It also proves that the connection of the commands was alive, and hence tracking, up to that
// moment. A PING on the second connection would not: Redis may have dropped the first unnoticed.

/// Has Redis tell of changed routes, on a connection of its own.
///
/// Confined to its loop.
final class RouteGuard {
  enum Event {
    case changed(UserID)
    /// What was read so far is not watched any more.
    case ended
  }

  private struct Barrier {
    let number: UInt64
    let deadline: Instant
    let completion: (Bool) -> Void
  }

  private enum State {
    case off
    case subscribing
    case subscribed
    /// Changes of what is read from here on will be told.
    case tracking
  }

  private let commands: RedisClient
  private let channel: String
  /// Tells this process' barriers from those of another of the same node.
  private let epoch: UInt64
  private let limits: RedisLimits
  private let loop: EventLoop
  private let log: Logger
  private let onEvent: (Event) -> Void
  private let endpoint: RedisEndpoint
  private lazy var subscriber = makeSubscriber()
  private var state = State.off
  /// The subscriber, as Redis numbers its clients.
  private var subscriberID: Int64?
  /// Counts the times that tracking began.
  private(set) var generation: UInt64 = 0
  private var barriers: Deque<Barrier> = []
  private var barrierNumber: UInt64 = 0
  private var hasWarned = false
  /// A right is missing; a new connection of the commands asks again.
  private var isRefused = false

  /// - Parameter commands: the client whose reads are watched; its owner calls `commandsConnected`
  ///   and `commandsLost`.
  init(
    of commands: RedisClient, endpoint: RedisEndpoint, node: NodeID, epoch: UInt64,
    limits: RedisLimits, on loop: EventLoop, log: Logger, onEvent: @escaping (Event) -> Void
  ) {
    self.commands = commands
    self.endpoint = endpoint
    self.epoch = epoch
    self.limits = limits
    self.loop = loop
    self.log = log
    self.onEvent = onEvent
    channel = RegistrySchema.barriers(of: node)
  }

  private func makeSubscriber() -> RedisClient {
    RedisClient(endpoint: endpoint, limits: limits, on: loop) { [unowned self] event in
      switch event {
      case .connected: subscribe()
      case .lost: subscriberLost()
      case .message(let channel, let content): received(channel, content)
      }
    }
  }

  func start() { subscriber.start() }

  func stop() {
    subscriber.stop()
    end()
    state = .off
  }

  var isTracking: Bool { state == .tracking }

  /// Has the read that is sent next watched, while tracking.
  ///
  /// Each is asked for by itself. If all reads were watched, so would be those of the scripts that
  /// register, and every registration would be told to the node that made it.
  func watchNext(failed: @escaping () -> Void) {
    commands.send(RedisCommand(["CLIENT", "CACHING", "YES"])) { outcome in
      if outcome != .value(.status("OK")) { failed() }
    }
  }

  // MARK: The two connections

  func commandsConnected() {
    isRefused = false
    track()
  }

  func commandsLost() {
    end()
    if state == .tracking { state = .subscribed }
  }

  private func subscribe() {
    state = .subscribing
    subscriber.send(RedisCommand(["CLIENT", "ID"])) { [unowned self] outcome in
      guard case .value(.integer(let number)) = outcome else { return refused(outcome) }
      subscriberID = number
    }
    for channel in [channel, RegistrySchema.invalidations] {
      subscriber.subscribe(to: channel) { [unowned self] outcome in
        guard case .value(.array) = outcome else { return refused(outcome) }
        guard channel == RegistrySchema.invalidations, subscriberID != nil else { return }
        state = .subscribed
        track()
      }
    }
  }

  private func subscriberLost() {
    end()
    state = .off
    subscriberID = nil
  }

  private func track() {
    guard state == .subscribed, !isRefused, commands.isReady, let subscriberID else { return }
    let command = RedisCommand(["CLIENT", "TRACKING", "ON", "REDIRECT", "\(subscriberID)", "OPTIN"])
    commands.send(command) { [unowned self] outcome in
      guard case .value(.status) = outcome else { return refused(outcome) }
      // The subscriber may be another by now.
      guard state == .subscribed, subscriberID == self.subscriberID else { return }
      state = .tracking
      generation += 1
    }
  }

  /// Without the right to subscribe or to track, routes are looked up for every message.
  private func refused(_ outcome: RedisOutcome) {
    guard case .value(.error(let message)) = outcome else { return }
    isRefused = true
    guard !hasWarned else { return }
    hasWarned = true
    log.warning(
      "Redis does not tell of changed routes; every message asks for them",
      metadata: ["redis.server": "\(endpoint)", "redis.error": "\(message)"])
  }

  /// Nothing is watched from here on, and no barrier will be passed.
  private func end() {
    if state == .tracking { onEvent(.ended) }
    while let barrier = barriers.popFirst() { barrier.completion(false) }
  }

  // MARK: Messages

  private func received(_ channel: [UInt8], _ content: RedisValue) {
    switch content {
    case .array(let keys):
      for case .string(let key) in keys {
        if let user = RegistrySchema.user(ofRoutes: key) { onEvent(.changed(user)) }
      }
    case .null:
      // Every key: the database was flushed. Reads from here on are watched as before.
      generation += 1
      onEvent(.ended)
    case .string(let text):
      guard channel.elementsEqual(self.channel.utf8) else { return }
      passed(String(decoding: text, as: UTF8.self))
    case .integer, .status, .error: break
    }
  }

  // MARK: Barriers

  /// Tells, once the subscriber has heard of every change before this call, that it has; or that
  /// nobody can say so.
  func barrier(completion: @escaping (Bool) -> Void) {
    guard state == .tracking else { return completion(false) }
    barrierNumber += 1
    commands.send(RedisCommand(["PUBLISH", channel, "\(epoch)/\(barrierNumber)"])) {
      [unowned self] outcome in
      if case .value(.integer(let listeners)) = outcome, listeners > 0 { return }
      barrierFailed(outcome)
    }
    barriers.append(
      Barrier(
        number: barrierNumber, deadline: loop.now + limits.commandTimeout, completion: completion))
  }

  private func passed(_ text: String) {
    let parts = text.split(separator: "/")
    guard parts.count == 2, UInt64(parts[0]) == epoch, let number = UInt64(parts[1]) else { return }
    while let first = barriers.first, first.number <= number {
      barriers.removeFirst()
      first.completion(true)
    }
  }

  private func barrierFailed(_ outcome: RedisOutcome) {
    refused(outcome)
    if isRefused {
      end()
      if state == .tracking { state = .subscribed }
    } else if case .value = outcome {
      // Nobody heard it, so nobody hears of changes either; a lost connection tells by itself.
      subscriber.reconnect("a barrier reached nobody")
    }
  }

  /// A subscriber that a barrier does not reach in time has lost Redis, or Redis it.
  func checkBarriers() {
    if let first = barriers.first, first.deadline <= loop.now {
      subscriber.reconnect("a barrier is outstanding")
    }
  }
}
