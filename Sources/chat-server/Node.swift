import ChatBackends
import ChatCore
import Gateway
import Glibc
import Logging
import Reactor
import TLS

/// What ends the node at its start; `description` is the one line the user sees.
struct StartError: Error, CustomStringConvertible {
  let description: String
}

/// The node as a whole: its workers, its back ends, and the course of its life.
///
/// Lives on the control loop, which is the main thread and also runs the clients of the back ends,
/// the operations server and the signals. With one event loop it is the worker's too: a message is
/// then not handed from thread to thread four times, each a wake-up.
final class Node {
  enum Phase {
    case joining
    case connecting
    case listening
    case running
    /// SIGTERM came: not ready, but still accepting.
    case leaving
    /// Sessions are being closed.
    case draining
    case stopping
  }

  let settings: Settings
  let loop: EventLoop
  let log: Logger
  var phase = Phase.joining
  /// Read by the workers for `/readyz`.
  let readiness = Locked(false)
  var workers: [Member] = []
  var backEnds: NodeBackEnds?
  var operations: OperationsServer?
  /// Nil: clients connect without TLS.
  let tls: NodeTLS?
  private var failure: StartError?
  private var reports = ReportRound()
  private(set) var token = Token(index: 0, generation: 0)
  var drainEnds = Instant.distantFuture
  private var news: Mailbox<WorkerNews>?
  private var signals: SignalSource?
  private var starter: BackEndStarter?
  private var trimmer: MemoryTrimmer?
  private var ticketTimer: LoopTimer?
  private(set) var retention: RetentionRuns?
  /// SIGTERM or SIGINT, when it came while workers began to listen: the first may have clients.
  var earlySignal: Int32?

  struct Member {
    /// Nil for the one worker of a node with one event loop, which runs on the control loop.
    var thread: LoopThread?
    var mailboxes: WorkerMailboxes?
  }

  /// Runs a node until it has stopped in order.
  static func run(_ settings: Settings) throws {
    let tls = try settings.tls.map { files throws(TLSFileError) in try NodeTLS(files) }
    let node = Node(settings, tls, loop: try EventLoop(name: "control"))
    try node.start()
    node.loop.run()
    for worker in node.workers { worker.thread?.join() }
    node.backEnds?.close()
    if let failure = node.failure { throw failure }
  }

  private init(_ settings: Settings, _ tls: NodeTLS?, loop: EventLoop) {
    self.settings = settings
    self.tls = tls
    self.loop = loop
    log = Logger(label: "chat-server")
  }

  private func start() throws {
    token = loop.add(self)
    trimmer = MemoryTrimmer(on: loop)
    let news = loop.makeMailbox(WorkerNews.self) { [unowned self] in
      for item in $0 { received(item) }
    }
    self.news = news
    signals = try SignalSource(on: loop, [SIGTERM, SIGINT, SIGHUP]) { [unowned self] in
      received(signal: $0)
    }
    if tls != nil { watchTickets() }
    if settings.eventLoops == 1 {
      workers = [Member()]
      WorkerThread.share(loop, news: news, log: log)
    } else {
      workers = (0..<settings.eventLoops).map { index in
        Member(thread: WorkerThread.start(index, news: news, log: log))
      }
    }
  }

  private func watchTickets() {
    let timer = LoopTimer(on: loop)
    ticketTimer = timer
    timer.handler = { [unowned self] in
      renewTickets()
      timer.set(at: loop.now + NodeTLS.ticketLife)
    }
    timer.set(at: loop.now + NodeTLS.ticketLife)
  }

  // MARK: Starting

  private func received(_ news: WorkerNews) {
    switch news {
    case .joined(let index, let mailboxes):
      workers[index].mailboxes = mailboxes
      if workers.allSatisfy({ $0.mailboxes != nil }), phase == .joining { connect() }
    case .listening(let index, let address):
      listening(index, address)
    case .failed(_, let error):
      fail("cannot listen on \(settings.listen): \(error)")
    case .report(let report):
      reports.received(report)
    }
  }

  /// The workers have their mailboxes; now the back ends, whose events go to all of them.
  private func connect() {
    phase = .connecting
    let hubs = hubMailboxes
    let starter = BackEndStarter(
      settings, on: loop, log: log,
      event: { event in for hub in hubs { hub.post(.happened(event)) } },
      fatal: { [unowned self] in fail($0) })
    self.starter = starter
    starter.start { [unowned self] result in
      self.starter = nil
      switch result {
      case .success(let backEnds):
        self.backEnds = backEnds
        startRetention(backEnds.ports.store)
        if phase == .connecting { startListening() }
      case .failure(let error):
        fail(error.description)
      }
    }
  }

  private func startRetention(_ store: any MessageStore) {
    let runs = RetentionRuns(keepTime: settings.retainTime, store: store, on: loop, log: log)
    retention = runs
    runs.start()
  }

  private func startListening() {
    phase = .listening
    do throws(SystemError) {
      operations = try OperationsServer(node: self)
    } catch {
      return fail("cannot listen on \(settings.opsListen): \(error)")
    }
    startWorker(0, on: settings.listen)
  }

  /// One worker after the other: the first may have been given its port by the kernel.
  private func listening(_ index: Int, _ address: SocketAddress) {
    guard phase == .listening else { return }
    if index + 1 < workers.count { return startWorker(index + 1, on: address) }
    phase = .running
    readiness.withLock { $0 = true }
    log.info(
      "listening",
      metadata: [
        "address": "\(address)", "node": "\(settings.node)",
        "loops": "\(workers.count)", "backends": "\(backEnds?.summary ?? "none")",
      ])
    log.warning(
      "OPEN MODE: no sign-in is configured, so every client is whoever it says it is")
    if let signal = earlySignal { leave(signal) }
  }

  private func startWorker(_ index: Int, on address: SocketAddress) {
    guard let backEnds else { return }
    let node = NodeInfo(
      id: settings.node, epoch: backEnds.epoch, shard: index, shardCount: workers.count)
    let readiness = readiness
    workers[index].mailboxes?.orders.post(
      .start(
        WorkerStart(
          node: node, address: address, backEnds: backEnds.ports, hubs: hubMailboxes,
          sockJS: workers.compactMap(\.mailboxes?.sockJS),
          gatewayLimits: settings.gatewayLimits, hubLimits: settings.hubLimits,
          origins: settings.originPolicy(for: address), proxies: settings.proxies,
          sockJSSettings: settings.sockJS, tls: tls?.context, seed: .random(in: .min ... .max),
          isReady: { readiness.withLock { $0 } })))
  }

  var hubMailboxes: [Mailbox<HubMail>] { workers.compactMap(\.mailboxes?.hub) }

  /// What `/readyz` says.
  var isReady: Bool { readiness.withLock { $0 } }

  /// Asks every worker for its figures.
  func collectReports(_ reply: @escaping ([WorkerReport]) -> Void) {
    if reports.ask(workers.count, reply) { order(.report) }
  }

  func order(_ order: WorkerOrder) {
    for worker in workers { worker.mailboxes?.orders.post(order) }
  }

  // MARK: Ending

  /// Ends the node for a reason that the operator must hear.
  func fail(_ reason: String) {
    if failure == nil { failure = StartError(description: reason) }
    stop()
  }

  func stop() {
    guard phase != .stopping else { return }
    phase = .stopping
    readiness.withLock { $0 = false }
    retention?.stop()
    order(.stop)
    if let backEnds { backEnds.stop { [unowned self] in loop.stop() } } else { loop.stop() }
  }
}
