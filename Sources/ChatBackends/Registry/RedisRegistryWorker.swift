internal import ChatCore
internal import ChatProtocol
internal import Logging
internal import Reactor
internal import RedisClient

/// The part of `RedisRegistry` that lives on the loop.
final class RedisRegistryWorker: EventHandler {
  /// A node's crash is to be seen by all within 15 s: the lease's rest, at most, and then the next
  /// refresh. What is left, 2 s, is for looking up what the node held, and for telling it.
  static let leaseMilliseconds = 12_000
  static let refreshInterval: Duration = .seconds(1)
  /// The lease is renewed with every third refresh. So 9 s of it are left at least: for 8 s without
  /// Redis, and for the second until it is tried again.
  static let refreshesPerRenewal = 3

  private enum State {
    case idle
    case starting(@Sendable (Result<Void, BackendFailure>) -> Void)
    case running
    case stopping(@Sendable () -> Void)
    case stopped
  }

  let node: NodeID
  let events: @Sendable (NodeEvent) -> Void
  private let endpoint: RedisEndpoint
  private let loop: EventLoop
  private let log: Logger
  private let status: LinkStatus
  private let leaseTaken: @Sendable (UInt64) -> Void
  private let timer: LoopTimer
  let changeRoute = RedisScript(RegistrySchema.changeRoute)
  let changeSubscription = RedisScript(RegistrySchema.changeSubscription)
  let setPresence = RedisScript(RegistrySchema.setPresence)
  let takeTokens = RedisScript(RegistrySchema.takeTokens)
  private let renewLease = RedisScript(RegistrySchema.renewLease)
  private let releaseLease = RedisScript(RegistrySchema.release)
  private(set) lazy var client = makeClient()
  private var fence = ConnectionFence()
  /// Present from the start on.
  private(set) var routeGuard: RouteGuard?
  private let limits: RedisLimits
  private var state = State.idle
  private(set) var lease: NodeLease?
  private var refreshes = 0
  /// A registration, subscription or presence failed, or perhaps did: when Redis is back the hubs
  /// must make theirs again.
  var hasFailedRegistrations = false
  var failedRemovals = FailedRemovals()
  private lazy var token = loop.add(self)
  private var answered: [ReplyBatch] = []
  /// Told at the end of the turn, behind the answers that they may make wrong.
  private var changedUsers: [UserID] = []
  private var areRoutesForgotten = false
  private var lostNodes: [NodeID] = []
  /// Answered behind those.
  private var barriers: [(batch: ReplyBatch, token: UInt64, isPassed: Bool)] = []
  /// Look-ups that Redis has not answered yet, or whose leases it has not.
  var lookupsInFlight: [UserID: [RouteLookup]] = [:]
  var leases = LeaseCache()
  /// Who waits for a lease that has been asked for.
  var leaseWaiters: [NodeID: [(LeaseAnswer) -> Void]] = [:]

  init(
    endpoint: RedisEndpoint, node: NodeID, limits: RedisLimits, on loop: EventLoop, log: Logger,
    status: LinkStatus, events: @escaping @Sendable (NodeEvent) -> Void,
    leaseTaken: @escaping @Sendable (UInt64) -> Void
  ) {
    self.endpoint = endpoint
    self.node = node
    self.limits = limits
    self.loop = loop
    self.log = log
    self.status = status
    self.events = events
    self.leaseTaken = leaseTaken
    timer = LoopTimer(on: loop)
    timer.handler = { [unowned self] in refresh() }
  }

  private func makeClient() -> RedisClient {
    RedisClient(endpoint: endpoint, limits: limits, on: loop) { [unowned self] event in
      switch event {
      case .connected: connected()
      case .lost(let failure): lost(failure)
      case .message: break
      }
    }
  }

  func receive(_ messages: [RedisRegistry.Message]) {
    var lookups = TurnLookups()
    for message in messages {
      switch message {
      case .requests(let requests, let reply):
        submit(requests, ReplyBatch(reply), coalescing: &lookups)
      case .start(let epoch, let completion): start(epoch, completion)
      case .stop(let completion): stop(completion)
      }
    }
  }

  // MARK: Starting and stopping

  private func start(
    _ epoch: UInt64, _ completion: @escaping @Sendable (Result<Void, BackendFailure>) -> Void
  ) {
    guard case .idle = state else { preconditionFailure("the registry was started twice") }
    precondition(epoch > 0, "epochs count from 1")
    lease = NodeLease(epoch: epoch)
    state = .starting(completion)
    client.start()
    let routeGuard = RouteGuard(
      of: client, endpoint: endpoint, node: node, epoch: epoch, limits: limits, on: loop, log: log
    ) { [unowned self] event in
      switch event {
      case .changed(let user): routesChanged(user)
      case .ended: routesForgotten()
      }
    }
    self.routeGuard = routeGuard
    routeGuard.start()
  }

  private func startFailed(_ reason: String) {
    guard case .starting(let completion) = state else { return }
    end()
    completion(.failure(BackendFailure(server: "\(endpoint)", reason: reason)))
  }

  private func stop(_ completion: @escaping @Sendable () -> Void) {
    guard case .running = state, let lease, client.isReady else {
      startFailed("stopped")
      end()
      return completion()
    }
    state = .stopping(completion)
    client.send(RedisCommand(["SREM", RegistrySchema.nodes, node.name])) { _ in }
    let key = RegistrySchema.lease(of: node)
    releaseLease.run(on: client, key: key, [String(lease.epoch)]) { [unowned self] _ in end() }
  }

  private func end() {
    let before = state
    state = .stopped
    status.set(isUp: false)
    timer.remove()
    routeGuard?.stop()
    client.stop()
    if case .stopping(let completion) = before { completion() }
  }

  // MARK: The connection

  private func connected() {
    if let command = fence.command { client.send(command) { _ in } }
    client.send(RedisCommand(["CLIENT", "INFO"])) { [unowned self] outcome in
      if case .value(let value) = outcome, let text = value.text { fence.learned(text) }
    }
    let scripts = [
      changeRoute, changeSubscription, setPresence, takeTokens, renewLease, releaseLease,
    ]
    for script in scripts { script.load(on: client) }
    routeGuard?.commandsConnected()
    renew()
    timer.set(at: loop.now + Self.refreshInterval)
  }

  private func lost(_ failure: RedisFailure) {
    status.set(isUp: false)
    switch state {
    case .starting: startFailed("\(failure)")
    case .running:
      log.warning(
        "Redis is away; retrying",
        metadata: ["redis.server": "\(endpoint)", "redis.failure": "\(failure)"])
    case .stopping: end()
    case .idle, .stopped: break
    }
    timer.cancel()
    routeGuard?.commandsLost()
    // What the nodes do meanwhile is not known.
    leases.doubtAll()
  }

  // MARK: Leases

  /// Renews this node's lease now and then, and asks for those of the others.
  private func refresh() {
    refreshes += 1
    timer.set(at: loop.now + Self.refreshInterval)
    if refreshes % Self.refreshesPerRenewal == 0 { renew() }
    // One that nobody waits for, so that a guard that has gone dead is noticed.
    routeGuard?.barrier { _ in }
    routeGuard?.checkBarriers()
    client.send(RedisCommand(["SMEMBERS", RegistrySchema.nodes])) { [unowned self] outcome in
      guard case .value(.array(let members)) = outcome else { return }
      refreshLeases(of: members.compactMap { $0.text.flatMap { NodeID($0) } })
    }
  }

  /// Those of all nodes, so that a node that dies is noticed also where nobody has a route to it.
  private func refreshLeases(of nodes: [NodeID]) {
    // Among them our own: a wiped or taken lease is noticed now, not at the next renewal.
    for node in Set(nodes.prefix(LeaseCache.nodesMax) + leases.nodes + [node]) {
      ask(node) { [unowned self] answer in
        guard case .lease(let epoch) = answer else { return }
        if node == self.node {
          if epoch != lease?.epoch { renew() }
        } else if leases.learned(node, lease: epoch) {
          noteEnd(of: node)
        }
      }
    }
  }

  /// The process that held the node's lease holds it no more. Told once: the cache has learned it.
  func noteEnd(of node: NodeID) {
    lostNodes.append(node)
    loop.scheduleFlush(token)
  }

  private func renew() {
    guard let lease, !lease.isTaken else { return }
    client.send(RedisCommand(["SADD", RegistrySchema.nodes, node.name])) { _ in }
    let arguments = [String(lease.epoch), String(Self.leaseMilliseconds)]
    renewLease.run(on: client, key: RegistrySchema.lease(of: node), arguments) {
      [unowned self] outcome in
      switch outcome {
      case .unavailable: break
      case .value(.error(let message)): renewalRefused(message)
      case .value(let value): renewed(previous: value.text.flatMap { UInt64($0) })
      }
    }
  }

  private func renewalRefused(_ message: String) {
    startFailed("the lease was refused: \(message)")
    log.warning("Redis refused the lease", metadata: ["redis.error": "\(message)"])
  }

  private func renewed(previous: UInt64?) {
    removeAgain()
    let action = lease?.renewed(previous: previous)
    status.set(isUp: lease?.isTaken == false)
    switch action {
    case .acquired:
      guard case .starting(let completion) = state else { return }
      state = .running
      completion(.success(()))
    case .registrationsLost:
      log.warning("Redis lost this node's registrations; making them again")
      hasFailedRegistrations = false
      events(.registrationsLost)
    case .taken(let epoch):
      startFailed("a newer process of node \(node) holds its lease")
      if case .running = state { leaseTaken(epoch) }
    case .unchanged where hasFailedRegistrations:
      hasFailedRegistrations = false
      events(.registrationsLost)
    case .unchanged, nil:
      break
    }
  }

  enum LeaseAnswer {
    /// nil: nobody holds it.
    case lease(UInt64?)
    case unavailable
  }

  func ask(_ node: NodeID, _ answer: @escaping (LeaseAnswer) -> Void) {
    client.send(RedisCommand(["GET", RegistrySchema.lease(of: node)])) { outcome in
      switch outcome {
      case .value(.error), .unavailable: answer(.unavailable)
      case .value(let value): answer(.lease(value.text.flatMap { UInt64($0) }))
      }
    }
  }

  // MARK: Answers

  func answer(_ batch: ReplyBatch, _ token: UInt64, _ result: RegistryReply.Result) {
    guard batch.add(token, result) else { return }
    answered.append(batch)
    loop.scheduleFlush(self.token)
  }

  // MARK: Changed routes

  private func routesChanged(_ user: UserID) {
    for lookup in lookupsInFlight[user] ?? [] { lookup.isOvertaken = true }
    changedUsers.append(user)
    loop.scheduleFlush(token)
  }

  private func routesForgotten() {
    areRoutesForgotten = true
    loop.scheduleFlush(token)
  }

  func answerBarrier(_ batch: ReplyBatch, _ token: UInt64) {
    guard let routeGuard else { return answer(batch, token, .unavailable) }
    routeGuard.barrier { [unowned self] isPassed in
      barriers.append((batch, token, isPassed))
      loop.scheduleFlush(self.token)
    }
  }

  /// Gives each batch its answers at the end of the turn, tells what changed, and then that
  /// barriers are passed. An answer and its change may come in one turn: the answer goes first. A
  /// barrier and a change behind it may too, and then the change is told early, which is no harm.
  func flush() {
    let batches = answered
    answered.removeAll(keepingCapacity: true)
    for batch in batches { batch.send() }
    if areRoutesForgotten {
      events(.routesForgotten)
    } else if !changedUsers.isEmpty {
      events(.routesChanged(changedUsers))
    }
    areRoutesForgotten = false
    changedUsers = []
    for node in lostNodes { events(.nodeLost(node)) }
    lostNodes = []
    for (batch, token, isPassed) in barriers {
      if batch.add(token, isPassed ? .passed : .unavailable) { batch.send() }
    }
    barriers.removeAll(keepingCapacity: true)
  }
}
