import Glibc
import Reactor

/// Leads the workers through a run, on the main thread: ramp, load, drain, result.
final class Conductor {
  /// The first ends the run early, the second at once. To be blocked before any thread starts.
  static let signals = [SIGINT, SIGTERM]

  private enum Phase { case ramp, load, hold, drain, concluding }

  private let plan: Plan
  private let loop: EventLoop
  private let timer: LoopTimer
  private var signalSource: SignalSource?
  private var orders: [Mailbox<Order>] = []
  private var statuses: [WorkerStatus]
  private var phase = Phase.ramp
  private var phaseStart: Instant
  private var loadDuration = Duration.zero
  private var serverClock: ProcessClock?
  private var serverNanoseconds: UInt64?
  private var tally = Tally()
  private var tallies = 0
  private var seconds = 0
  private var previous = WorkerStatus()
  private var lastMove: Instant
  private(set) var result: RunResult?

  init(_ plan: Plan) throws(SystemError) {
    self.plan = plan
    loop = try EventLoop(name: "conductor")
    timer = LoopTimer(on: loop)
    statuses = Array(repeating: WorkerStatus(), count: plan.threads)
    phaseStart = loop.now
    lastMove = loop.now
    signalSource = try SignalSource(on: loop, Self.signals) { [unowned self] _ in interrupted() }
  }

  /// Blocks until the run is over.
  func run() {
    let reports = loop.makeMailbox(WorkerReport.self) { [unowned self] batch in
      for report in batch { receive(report) }
    }
    // Workers make their mailboxes on their own threads and send them here.
    let doors = loop.makeMailbox(Mailbox<Order>.self) { [unowned self] in orders += $0 }
    let (plan, origin) = (plan, loop.now)
    let threads = (0..<plan.threads).map { index in
      LoopThread(name: "worker-\(index)") { loop in
        let worker = Worker(index: index, plan: plan, origin: origin, on: loop, reports: reports)
        // The mailbox's closure keeps the worker.
        doors.post(loop.makeMailbox { for order in $0 { worker.receive(order) } })
        worker.begin()
      }
    }
    timer.handler = { [unowned self] in secondPassed() }
    timer.set(at: loop.now + .seconds(1))
    loop.run()
    for thread in threads { thread.join() }
  }

  private var total: WorkerStatus {
    statuses.reduce(into: WorkerStatus(isSettled: true)) { sum, status in
      sum.ready += status.ready
      sum.up += status.up
      sum.sent += status.sent
      sum.acked += status.acked
      sum.delivered += status.delivered
      sum.isSettled = sum.isSettled && status.isSettled
    }
  }

  /// From the first connect to the last session that came up.
  private var rampSeconds: Double {
    guard let first = statuses.compactMap(\.began).min(),
      let last = statuses.compactMap(\.lastReady).max()
    else { return 0 }
    return (last - first) / .seconds(1)
  }

  // MARK: - Events

  private func receive(_ report: WorkerReport) {
    switch report {
    case .line(let line):
      printError(line)
    case .status(let worker, let status):
      statuses[worker] = status
      advance()
    case .concluded(let tally):
      self.tally.add(tally)
      tallies += 1
      guard tallies == plan.threads else { return }
      result = RunResult(
        plan: plan, tally: self.tally, seconds: loadDuration / .seconds(1), up: previous.up,
        sessions: total.ready, rampSeconds: rampSeconds, serverNanoseconds: serverNanoseconds)
      loop.stop()
    }
  }

  private func advance() {
    let total = total
    let elapsed = loop.now - phaseStart
    switch phase {
    case .ramp:
      guard orders.count == plan.threads else { return }
      if total.ready == plan.sessions {
        printError("\(plan.sessions) sessions up")
        serverClock = plan.serverPID.map { ProcessClock($0) }
        enter(plan.hasLoad ? .load : .hold, ordering: .start)
      } else if loop.now - lastMove > .seconds(Plan.rampStallSeconds) {
        printError("only \(total.ready) of \(plan.sessions) sessions came up")
        conclude()
      }
    case .load:
      loadDuration = elapsed
      if plan.messages != nil {
        if total.isSettled { loadEnded() } else { giveUpIfStalled() }
      } else if elapsed >= .seconds(plan.seconds) {
        enter(.drain, ordering: .stopSending)
      }
    case .hold:
      if !plan.hasLoad { loadDuration = elapsed }
      if plan.hold > 0, elapsed >= .seconds(plan.hold) { conclude() }
    case .drain:
      if total.isSettled { loadEnded() } else { giveUpIfStalled() }
    case .concluding: break
    }
  }

  private func loadEnded() {
    serverNanoseconds = serverClock?.nanosecondsSinceStart
    if plan.hold > 0 { enter(.hold, ordering: .stopSending) } else { conclude() }
  }

  private func interrupted() {
    switch phase {
    case .load: enter(.drain, ordering: .stopSending)
    case .ramp, .hold, .drain: conclude()
    case .concluding: exit(EXIT_FAILURE)
    }
  }

  private func enter(_ phase: Phase, ordering order: Order) {
    self.phase = phase
    phaseStart = loop.now
    lastMove = loop.now
    // A status from before the order must not be taken for an answer to it.
    for index in statuses.indices { statuses[index].isSettled = false }
    for door in orders { door.post(order) }
  }

  private func conclude() {
    previous = total
    enter(.concluding, ordering: .conclude)
  }

  private func giveUpIfStalled() {
    guard loop.now - lastMove > .seconds(Plan.stallSeconds) else { return }
    printError("nothing has moved for \(Plan.stallSeconds) s; giving up what is missing")
    conclude()
  }

  private func secondPassed() {
    timer.set(at: loop.now + .seconds(1))
    seconds += 1
    let now = total
    if now.isAhead(of: previous) { lastMove = loop.now }
    switch phase {
    case .ramp:
      printError("\(seconds) s: \(now.ready) of \(plan.sessions) sessions up")
    case .load, .drain:
      let due = now.sent * UInt64(plan.readers)
      printError(
        "\(seconds) s: sent \(now.sent - previous.sent)/s, acked \(now.acked - previous.acked)/s, "
          + "delivered \(now.delivered - previous.delivered)/s, "
          + "under way \(due - min(due, now.delivered))")
    case .hold:
      printError("\(seconds) s: \(now.up) of \(plan.idle) idle sessions up")
    case .concluding: break
    }
    if phase != .concluding { previous = now }
  }
}
