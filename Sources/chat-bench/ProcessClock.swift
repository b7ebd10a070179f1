import Glibc

/// The CPU time of all threads of a process, exact to the call.
struct ProcessClock {
  private let clock: clockid_t
  private let start: UInt64

  init(_ process: Int32) {
    // As the kernel numbers the clocks of processes: CPUCLOCK_SCHED.
    clock = ~process << 3 | 2
    start = Self.nanoseconds(of: clock)
  }

  var nanosecondsSinceStart: UInt64 { Self.nanoseconds(of: clock) &- start }

  /// Zero of a process that is gone.
  private static func nanoseconds(of clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
