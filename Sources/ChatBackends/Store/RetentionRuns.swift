package import ChatCore
import ChatProtocol
package import Logging
package import Reactor

/// Has a store remove what has been kept for long enough, once a minute.
///
/// A run is a series of small requests with pauses between them, for as long as there is something to
/// remove: so nobody who writes waits for long. A request that is not answered with success ends the
/// run; what is left is for the next.
///
/// Confined to its loop.
package final class RetentionRuns {
  /// Entries removed by one request, which is one transaction.
  package static let entriesMax = 500
  package static let pause = Duration.milliseconds(25)
  package static let intervalMax = Duration.seconds(60)
  static let intervalMin = Duration.seconds(1)

  /// How long entries are kept in all conversations; nil: for ever, but for rooms with a limit of
  /// their own.
  private let keepTime: Duration?
  private let store: any MessageStore
  private let loop: EventLoop
  private let log: Logger
  private let jitter: @Sendable (ClosedRange<Duration>) -> Duration
  private let timer: LoopTimer
  private var replies: Mailbox<StoreReply>?
  /// By the run that is under way.
  private var removedInRun = 0
  /// Since the node's start.
  package private(set) var removed: UInt64 = 0

  /// - Parameter jitter: gives a duration in the range, so that nodes do not all run at once.
  package init(
    keepTime: Duration?, store: any MessageStore, on loop: EventLoop, log: Logger,
    jitter: @escaping @Sendable (ClosedRange<Duration>) -> Duration = Backoff.random
  ) {
    self.keepTime = keepTime
    self.store = store
    self.loop = loop
    self.log = log
    self.jitter = jitter
    timer = LoopTimer(on: loop)
  }

  package func start() {
    replies = loop.makeMailbox { [weak self] in for reply in $0 { self?.received(reply.result) } }
    timer.handler = { [weak self] in self?.ask() }
    rest()
  }

  /// Ends the runs; what a request under way removes is not counted.
  package func stop() {
    timer.remove()
    timer.handler = {}
    replies = nil
  }

  /// A minute between the runs, a quarter less or more. What is kept for a shorter time is not kept
  /// for much longer than that.
  private func rest() {
    let interval = keepTime.map { max(Self.intervalMin, min(Self.intervalMax, $0 / 10)) }
    let span = interval ?? Self.intervalMax
    timer.set(at: loop.now + jitter(span * 3 / 4...span * 5 / 4))
  }

  private func ask() {
    guard let replies else { return }
    let now = loop.kernel.wallMilliseconds()
    let keptSince = keepTime.map { now - $0.wholeNanoseconds / 1_000_000 } ?? 0
    let request = StoreRequest(
      token: 0,
      operation: .removeExpired(keptSince: keptSince, now: now, limit: Self.entriesMax))
    store.submit([request]) { for reply in $0 { replies.post(reply) } }
  }

  private func received(_ result: StoreReply.Result) {
    guard replies != nil else { return }
    guard case .removed(let count, let isDone) = result else { return endRun() }
    removed += UInt64(count)
    removedInRun += count
    if isDone { endRun() } else { timer.set(at: loop.now + Self.pause) }
  }

  private func endRun() {
    if removedInRun > 0 {
      log.info("expired entries removed", metadata: ["entries.count": "\(removedInRun)"])
    }
    removedInRun = 0
    rest()
  }
}
