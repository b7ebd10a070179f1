import Reactor

/// The sessions of one thread.
final class Worker {
  private static let tick = Duration.milliseconds(100)

  let loop: EventLoop
  var tally = Tally()
  private let plan: Plan
  private let index: Int
  private let reports: Mailbox<WorkerReport>
  private var pairs: [(PairSide, PairSide)] = []
  private var idle: [IdleSession] = []
  /// All of it is the first worker's.
  private var room: RoomSender?
  private var waiting: [() -> Void] = []
  private var ready = 0
  private var began: Instant?
  private var lastReady: Instant?
  private var complaints = 0
  private let timer: LoopTimer
  private let origin: Instant
  private var pace: Pace?
  private var metronome: Metronome?

  /// Takes every `plan.threads`-th pair and idle session, from `index` on.
  init(
    index: Int, plan: Plan, origin: Instant, on loop: EventLoop, reports: Mailbox<WorkerReport>
  ) {
    self.index = index
    self.plan = plan
    self.origin = origin
    self.loop = loop
    self.reports = reports
    timer = LoopTimer(on: loop)
    for pair in stride(from: index, to: plan.pairs, by: plan.threads) {
      let (a, b) = ("\(plan.prefix)-a\(pair)", "\(plan.prefix)-b\(pair)")
      let first = PairSide(user: a, peer: b, plan: plan, endpoint: 0, worker: self)
      let second = PairSide(user: b, peer: a, plan: plan, endpoint: 1, worker: self)
      (first.other, second.other) = (second, first)
      pairs.append((first, second))
    }
    for number in stride(from: index, to: plan.idle, by: plan.threads) {
      let user = "\(plan.prefix)-i\(number)"
      idle.append(IdleSession(user: user, plan: plan, endpoint: number, worker: self))
    }
    if index == 0, plan.members > 0 { room = RoomSender(plan: plan, worker: self) }
    waiting = sides.map { side in { side.connect() } } + idle.map { side in { side.connect() } }
    if let room { waiting += room.members.map { member in { member.connect() } } }
    waiting.reverse()
  }

  private var sides: [PairSide] { pairs.flatMap { [$0.0, $0.1] } }

  /// Nanoseconds since the start of the program, as of this turn of the loop.
  var stamp: UInt64 { UInt64(max(0, loop.now.nanoseconds - origin.nanoseconds)) }

  func begin() {
    timer.handler = { [unowned self] in ticked() }
    timer.set(at: loop.now + Self.tick)
    began = loop.now
    if let room { room.connect() } else { beginConnecting() }
  }

  private func beginConnecting() {
    for _ in 0..<min(plan.handshakes, waiting.count) { waiting.popLast()?() }
  }

  func say(_ line: String) {
    complaints += 1
    // A thousand sessions of one node fail alike; the first few lines tell it all.
    guard complaints <= 10 else { return }
    reports.post(.line(complaints < 10 ? line : "\(line) (no more of these)"))
  }

  // MARK: - Sessions

  /// The one who writes to the room is ready, and so is the room.
  func roomWasMade() {
    beginConnecting()
    ready += 1
  }

  func sideBecameReady() {
    ready += 1
    lastReady = loop.now
    waiting.popLast()?()
  }

  func sideCameBack() {
    tally.reconnects += 1
    tally.returns[stamp / 1_000_000_000, default: 0] += 1
  }

  func sideWasLost(_ user: String, _ why: Disconnection, wasLive: Bool) {
    if !wasLive { tally.unopened += 1 }
    say("\(user): \(wasLive ? "connection lost" : "not connected"): \(why)")
  }

  // MARK: - The run

  func receive(_ order: Order) {
    switch order {
    case .start:
      if let rate = plan.rate, !pairs.isEmpty || room != nil {
        let share = room == nil ? rate * Double(pairs.count) / Double(plan.pairs) : rate
        pace = Pace(perSecond: share, start: loop.now, sides: max(1, pairs.count * 2))
        metronome = Metronome(loop.makeMailbox { [unowned self] _ in release() })
      }
      for side in sides { side.start() }
      room?.start()
    case .stopSending:
      // Ordered again when the pairs are to stay; the first time counts.
      tally.ackedInTime = tally.ackedInTime ?? tally.acked
      tally.deliveredInTime = tally.deliveredInTime ?? tally.delivered
      endPace()
      for side in sides { side.stop() }
      room?.stop()
    case .conclude:
      endPace()
      for (a, b) in pairs {
        a.conclude(with: b)
        b.conclude(with: a)
      }
      room?.conclude()
      reports.post(.concluded(tally))
      for side in sides { side.leave() }
      room?.leave()
      for session in idle { session.leave() }
      loop.stop()
    }
  }

  private func release() {
    guard let due = pace?.due(at: loop.now) else { return }
    if let room {
      for (_, count) in due { room.release(count) }
      return
    }
    let sides = sides
    for (side, count) in due { sides[side].release(count) }
  }

  private func endPace() {
    pace = nil
    metronome?.stop()
    metronome = nil
  }

  private func ticked() {
    timer.set(at: loop.now + Self.tick)
    for side in sides { side.tick() }
    reports.post(
      .status(
        worker: index,
        WorkerStatus(
          ready: ready, up: idle.count { $0.isUp }, sent: tally.sent, acked: tally.acked,
          delivered: tally.delivered, isSettled: isSettled, began: began,
          lastReady: lastReady)))
  }

  private var isSettled: Bool {
    guard room?.isSettled ?? true else { return false }
    return pairs.allSatisfy { a, b in
      a.isSettled && b.isSettled && a.holdsAll(of: b) && b.holdsAll(of: a)
    }
  }
}

/// Spreads a rate evenly over sides and ticks.
struct Pace {
  private let perSecond: Double
  private let start: Instant
  private let sides: Int
  private var released = 0

  init(perSecond: Double, start: Instant, sides: Int) {
    self.perSecond = perSecond
    self.start = start
    self.sides = sides
  }

  /// How many messages each side owes, of those that do.
  mutating func due(at now: Instant) -> [(side: Int, count: Int)] {
    let total = Int((now - start) / .milliseconds(1) * perSecond / 1_000)
    let count = total - released
    guard count > 0 else { return [] }
    let first = released % sides
    released = total
    return (0..<min(sides, count)).map { offset in
      ((first + offset) % sides, count / sides + (offset < count % sides ? 1 : 0))
    }
  }
}

/// What the conductor tells a worker.
enum Order: Sendable {
  case start
  case stopSending
  case conclude
}

/// What a worker tells the conductor.
enum WorkerReport: Sendable {
  case line(String)
  case status(worker: Int, WorkerStatus)
  case concluded(Tally)
}

struct WorkerStatus: Sendable {
  /// Sessions that came up, and idle ones that are up now.
  var ready = 0
  var up = 0
  var sent: UInt64 = 0
  var acked: UInt64 = 0
  var delivered: UInt64 = 0
  /// Everything sent is acked and delivered.
  var isSettled = false
  /// When the first session began to connect, and when the last one came up.
  var began: Instant?
  var lastReady: Instant?

  func isAhead(of other: WorkerStatus) -> Bool {
    ready > other.ready || acked > other.acked || delivered > other.delivered
  }
}
