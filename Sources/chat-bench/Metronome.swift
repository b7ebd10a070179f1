import Glibc
import Reactor

/// Beats once a millisecond on a thread of its own, because a loop's timers may be 10 ms late and
/// messages that are let go in tens are not evenly spread.
final class Metronome {
  private static let beatNanoseconds = 1_000_000

  private let isStopped = Locked(false)
  private let thread: Thread

  /// Posts to the mailbox until `stop()`, which must be called.
  init(_ beats: Mailbox<Void>) {
    let isStopped = isStopped
    thread = Thread(name: "metronome") {
      var next = timespec()
      clock_gettime(CLOCK_MONOTONIC, &next)
      while !isStopped.withLock({ $0 }) {
        next.tv_nsec += Self.beatNanoseconds
        if next.tv_nsec >= 1_000_000_000 {
          next.tv_nsec -= 1_000_000_000
          next.tv_sec += 1
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nil)
        beats.post(())
      }
    }
  }

  func stop() {
    isStopped.withLock { $0 = true }
    thread.join()
  }
}
