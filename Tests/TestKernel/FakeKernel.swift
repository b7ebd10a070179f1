package import CLinux
import Glibc
package import Reactor

/// The real kernel, with answers that a test puts in front of it and a clock that a test moves.
package final class FakeKernel: SystemCalls {
  private let real = Kernel()
  /// Added to the clock.
  package var skew: Duration = .zero
  private var stoppedAt: Instant?
  /// The longest that a wait takes.
  package var waitMillisecondsMax: Int32 = 50
  /// What the next calls answer instead of the kernel; a count limits how much is taken.
  package var sendAnswers: [Answer] = []
  package var acceptAnswers: [Int32] = []
  package private(set) var sends = 0
  package private(set) var waits = 0

  package enum Answer {
    case takeAtMost(Int)
    case fail(Int32)
  }

  package init() {}

  /// From now on only `skew` moves the clock.
  package func stopClock() { stoppedAt = real.now() }

  package func now() -> Instant { (stoppedAt ?? real.now()) + skew }

  package func wallMilliseconds() -> Int64 { real.wallMilliseconds() }

  package func wait(
    _ poller: Int32, _ events: UnsafeMutableBufferPointer<epoll_event>, for milliseconds: Int32
  ) -> Int32 {
    waits += 1
    let milliseconds = milliseconds < 0 ? waitMillisecondsMax : milliseconds
    return real.wait(poller, events, for: min(milliseconds, waitMillisecondsMax))
  }

  package func accept(_ listener: Int32, _ address: inout sockaddr_storage) -> Int32 {
    acceptAnswers.isEmpty ? real.accept(listener, &address) : acceptAnswers.removeFirst()
  }

  package func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    real.receive(descriptor, into: buffer)
  }

  package func peek(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    real.peek(descriptor, into: buffer)
  }

  package func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    sends += 1
    guard !sendAnswers.isEmpty else { return real.send(descriptor, bytes) }
    switch sendAnswers.removeFirst() {
    case .fail(let code): return -Int(code)
    case .takeAtMost(let count):
      return real.send(descriptor, UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
    }
  }

  package func send(_ descriptor: Int32, _ vectors: UnsafeBufferPointer<iovec>) -> Int {
    guard !sendAnswers.isEmpty else {
      sends += 1
      return real.send(descriptor, vectors)
    }
    let bytes = vectors.flatMap {
      Array(UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len))
    }
    return bytes.withUnsafeBytes { send(descriptor, $0) }
  }

  package func close(_ descriptor: Int32) { real.close(descriptor) }
}
