internal import CLinux
internal import Glibc

/// Gives memory back to the kernel when the process comes to rest after a burst.
///
/// What a burst has freed lies scattered, and glibc by itself returns only what is at the end of
/// a heap. Lives on the control loop and looks at the processor time of the whole process, so that
/// nothing on a message's path has to report to it.
package final class MemoryTrimmer: EventHandler {
  private static let interval = Duration.seconds(5)
  /// Processor time that makes a burst, and that an interval at rest stays below.
  private static let burst = Duration.milliseconds(500)
  private static let rest = Duration.milliseconds(250)

  /// What has so many bytes gets pages of its own and gives them back when it is freed. glibc
  /// begins with the same, but raises it to the largest that was ever freed: the arrays of a burst
  /// then come from the heap, and kept 1.2 MB there.
  private static let mappedBytesMin: Int32 = 128 * 1024

  private let loop: EventLoop
  private var token = Token(index: 0, generation: 0)
  private var course = Course()

  package init(on loop: EventLoop) {
    self.loop = loop
    clinux_map_from(Self.mappedBytesMin)
    token = loop.add(self)
    loop.setTimer(for: token, at: loop.now + Self.interval)
  }

  package func timerFired() {
    if course.isAtRest(after: Self.processorTime()) { clinux_trim_memory() }
    loop.setTimer(for: token, at: loop.now + Self.interval)
  }

  /// Tells from the processor time at each interval's end when there is something to give back.
  struct Course {
    private var last = Duration.zero
    /// Of the burst that has not ended.
    private var burst = Duration.zero

    /// True once after each burst, at the end of the first interval of rest.
    mutating func isAtRest(after processorTime: Duration) -> Bool {
      let used = processorTime - last
      last = processorTime
      guard used < MemoryTrimmer.rest else {
        burst += used
        return false
      }
      defer { burst = .zero }
      return burst >= MemoryTrimmer.burst
    }
  }

  private static func processorTime() -> Duration {
    var time = timespec()
    let result = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    precondition(result == 0, "every process has a clock of its processor time")
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}
