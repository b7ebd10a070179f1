internal import AMQPClient
internal import ChatCore
internal import Logging
internal import Reactor

/// The part of `RabbitMQBus` that lives on the loop: two connections, because the broker stops
/// reading one that publishes while it is short of memory, with its acknowledgements.
final class RabbitMQBusWorker {
  struct Outputs {
    let onLatency: @Sendable (UInt64) -> Void
    let onFatal: @Sendable (BackendFailure) -> Void
    let events: @Sendable (NodeEvent) -> Void
  }

  private enum State {
    case idle
    case starting(@Sendable (Result<Void, BackendFailure>) -> Void)
    case running
    /// One of the connections is, or was, away; the bus has not been whole since.
    case interrupted
    case stopping(@Sendable () -> Void)
    case stopped
  }

  /// How long `stop` waits for confirmations.
  static let stopTimeout: Duration = .seconds(2)
  /// How long confirmations stay unread and deliveries unacknowledged, up to the timers' 10 ms
  /// more. Nobody waits for them, and one by one they cost a node of one thread one wake-up in four
  /// at 1,000 messages a second, and the broker a sixth of its CPU.
  static let settlingDelay: Duration = .milliseconds(10)
  /// For a former process of this node to be found dead by the broker.
  static let exclusiveUseHeartbeatsMax = 3

  let node: NodeID
  let loop: EventLoop
  let log: Logger
  let counters: BusCounters
  private let status: LinkStatus
  let outputs: Outputs
  private let endpoint: AMQPEndpoint
  private let limits: AMQPLimits
  private let timer: LoopTimer
  private let settlingTimer: LoopTimer
  private var isSettlingDue = false
  /// Confirmations were left unread for long enough: until they are read, nothing stops that again.
  private var owesReading = false
  private(set) lazy var publisher = makePublisher()
  private(set) lazy var consumer = makeConsumer()
  private var state = State.idle
  private var isPublisherReady = false { didSet { updateStatus() } }
  private var isConsumerReady = false { didSet { updateStatus() } }
  private var exclusiveUseSince: Instant?
  var isBlocked = false
  var queue = PublishQueue()
  var openBatches: [Destination: OpenBatch] = [:]
  /// Envelopes were dropped since the bus was last whole.
  var hasDropped = false
  /// What came in one read, to be handed on together.
  var arrived: [Envelope] = []
  /// The last delivery, when it is unacknowledged, and how many are.
  var unacknowledgedTag: UInt64?
  var unacknowledgedCount = 0
  var lastUndecodableLog: Instant?

  init(
    endpoint: AMQPEndpoint, node: NodeID, limits: AMQPLimits, on loop: EventLoop, log: Logger,
    counters: BusCounters, status: LinkStatus, outputs: Outputs
  ) {
    self.endpoint = endpoint
    self.node = node
    self.limits = limits
    self.loop = loop
    self.log = log
    self.counters = counters
    self.status = status
    self.outputs = outputs
    timer = LoopTimer(on: loop)
    settlingTimer = LoopTimer(on: loop)
    timer.handler = { [unowned self] in disconnect() }
    settlingTimer.handler = { [unowned self] in settle() }
  }

  private func makePublisher() -> AMQPClient {
    AMQPClient(
      endpoint: endpoint, name: "\(node) publishes", setup: BusTopology.publishing,
      limits: limits, on: loop
    ) { [unowned self] in publisherEvent($0) }
  }

  private func makeConsumer() -> AMQPClient {
    AMQPClient(
      endpoint: endpoint, name: "\(node) consumes", setup: BusTopology.consuming(as: node),
      limits: limits, on: loop
    ) { [unowned self] in consumerEvent($0) }
  }

  func receive(_ messages: [RabbitMQBus.Message]) {
    for message in messages {
      switch message {
      case .publish(let envelopes): gather(envelopes)
      case .start(let completion):
        guard case .idle = state else { preconditionFailure("the bus was started twice") }
        state = .starting(completion)
        publisher.start()
        consumer.start()
      case .stop(let completion): stop(completion)
      }
    }
    publishGathered()
  }

  // MARK: Settling

  /// Has confirmations read and deliveries acknowledged a little later.
  func scheduleSettling() {
    guard !isSettlingDue, !isStopped else { return }
    isSettlingDue = true
    settlingTimer.set(at: loop.now + Self.settlingDelay)
  }

  private func settle() {
    isSettlingDue = false
    owesReading = !queue.isEmpty
    publisher.setReading(true)
    acknowledge()
  }

  /// The publisher's connection has been read, or made anew.
  func confirmationsRead() { owesReading = false }

  private var isStopped: Bool {
    if case .stopped = state { true } else { false }
  }

  /// Leaves confirmations unread for a while. One who stops waits for them.
  func postponeConfirmations() {
    guard case .running = state, !owesReading else { return }
    publisher.setReading(false)
    scheduleSettling()
  }

  // MARK: Starting and stopping

  private func stop(_ completion: @escaping @Sendable () -> Void) {
    publishGathered()
    switch state {
    case .starting:
      fail("stopped")
      completion()
    case .running, .interrupted:
      state = .stopping(completion)
      settle()
      timer.set(at: loop.now + Self.stopTimeout)
      stopIfDrained()
    case .idle, .stopped: completion()
    case .stopping: preconditionFailure("the bus was stopped twice")
    }
  }

  func stopIfDrained() {
    if case .stopping = state, queue.isEmpty { disconnect() }
  }

  private func disconnect() {
    let before = state
    state = .stopped
    status.set(isUp: false)
    timer.remove()
    settlingTimer.remove()
    acknowledge()
    publisher.stop { [self] in
      acknowledge()
      consumer.stop {
        if case .stopping(let completion) = before { completion() }
      }
    }
  }

  /// Cannot go on as configured: the start fails, or the program is told to end.
  private func fail(_ reason: String) {
    guard !isStopped else { return }
    let failure = BackendFailure(server: "\(endpoint)", reason: reason)
    let before = state
    disconnect()
    switch before {
    case .starting(let completion): completion(.failure(failure))
    case .running, .interrupted: outputs.onFatal(failure)
    case .idle, .stopping, .stopped: break
    }
  }

  // MARK: Connections

  private func updateStatus() { status.set(isUp: isPublisherReady && isConsumerReady) }

  func publisherReady() {
    isPublisherReady = true
    confirmationsRead()
    connectionReady()
    drain()
  }

  func consumerReady() {
    isConsumerReady = true
    exclusiveUseSince = nil
    connectionReady()
  }

  private func connectionReady() {
    guard isPublisherReady, isConsumerReady else { return }
    switch state {
    case .starting(let completion):
      state = .running
      completion(.success(()))
    case .interrupted:
      state = .running
      hasDropped = false
      log.info("broker is back", metadata: ["broker.server": "\(endpoint)"])
      outputs.events(.busRecovered)
    case .idle, .running, .stopping, .stopped: break
    }
  }

  /// The bus is whole again without having been interrupted: it had dropped some.
  func reportDropped() {
    guard hasDropped, queue.isEmpty, case .running = state else { return }
    hasDropped = false
    outputs.events(.busRecovered)
  }

  func publisherLost(_ failure: AMQPFailure) {
    isPublisherReady = false
    isBlocked = false
    queue.connectionLost()
    connectionLost(failure)
  }

  func consumerLost(_ failure: AMQPFailure) {
    isConsumerReady = false
    arrived = []
    unacknowledgedTag = nil
    unacknowledgedCount = 0
    guard failure.isExclusiveUse else { return connectionLost(failure) }
    let since = exclusiveUseSince ?? loop.now
    exclusiveUseSince = since
    let patience: Duration =
      .seconds(Self.exclusiveUseHeartbeatsMax * Int(limits.heartbeatSeconds))
    if loop.now - since >= patience {
      fail("another process of node \(node) consumes its queue: \(failure.message)")
    } else {
      interrupt()
    }
  }

  /// The queue is being made again; what was sent to it meanwhile is lost.
  func consumerInterrupted() {
    isConsumerReady = false
    // The connection takes no acknowledgement while the queue is made.
    acknowledge()
    interrupt()
  }

  private func connectionLost(_ failure: AMQPFailure) {
    if case .starting = state { return fail("\(failure)") }
    if case .running = state {
      log.warning(
        "broker connection lost; retrying",
        metadata: ["broker.server": "\(endpoint)", "broker.failure": "\(failure)"])
    }
    interrupt()
  }

  private func interrupt() {
    guard case .running = state else { return }
    state = .interrupted
    outputs.events(.busInterrupted)
  }
}
