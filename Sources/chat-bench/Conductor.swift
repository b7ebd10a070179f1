import Reactor

/// Leads the workers through a run, on the main thread: ramp, load, drain, result.
final class Conductor {
  private enum Phase { case ramp, load, hold, drain, concluding }

  private let plan: Plan
  private let loop: EventLoop
  private let timer: LoopTimer
  private var orders: [Mailbox<Order>] = []
  private var statuses: [WorkerStatus]
  private var phase = Phase.ramp
  private var phaseStart: Instant
  private var loadDuration = Duration.zero
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

  private var sessions: Int { plan.pairs * 2 + plan.idle }

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
        sessions: total.ready)
      loop.stop()
    }
  }

  private func advance() {
    let total = total
    let elapsed = loop.now - phaseStart
    switch phase {
    case .ramp:
      guard orders.count == plan.threads else { return }
      if total.ready == sessions {
        printError("\(sessions) sessions up")
        enter(plan.pairs > 0 ? .load : .hold, ordering: .start)
      } else if elapsed > .seconds(Plan.rampSeconds) {
        printError("only \(total.ready) of \(sessions) sessions came up")
        conclude()
      }
    case .load:
      loadDuration = elapsed
      if plan.messages != nil {
        if total.isSettled { conclude() } else { giveUpIfStalled() }
      } else if elapsed >= .seconds(plan.seconds) {
        enter(.drain, ordering: .stopSending)
      }
    case .hold:
      loadDuration = elapsed
      if plan.seconds > 0, elapsed >= .seconds(plan.seconds) { conclude() }
    case .drain:
      if total.isSettled { conclude() } else { giveUpIfStalled() }
    case .concluding: break
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
    if now.acked + now.delivered != previous.acked + previous.delivered { lastMove = loop.now }
    switch phase {
    case .ramp:
      printError("\(seconds) s: \(now.ready) of \(sessions) sessions up")
    case .load, .drain:
      printError(
        "\(seconds) s: sent \(now.sent - previous.sent)/s, acked \(now.acked - previous.acked)/s, "
          + "delivered \(now.delivered - previous.delivered)/s, "
          + "under way \(now.sent - min(now.sent, now.delivered))")
    case .hold:
      printError("\(seconds) s: \(now.up) of \(plan.idle) sessions up")
    case .concluding: break
    }
    if phase != .concluding { previous = now }
  }
}
