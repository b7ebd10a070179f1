import CLinux
import Glibc

@testable import Reactor

/// The real kernel, with answers that a test puts in front of it and a clock that a test moves.
final class FakeKernel: Kernel {
  let real = LinuxKernel()
  /// Added to the real clock.
  var skew: Duration = .zero
  /// What the next calls answer instead of the kernel; a count limits how much is taken.
  var sendAnswers: [Answer] = []
  var acceptAnswers: [Int32] = []
  private(set) var sends = 0
  private(set) var waits = 0

  enum Answer {
    case takeAtMost(Int)
    case fail(Int32)
  }

  func now() -> Instant { real.now() + skew }

  func wallMilliseconds() -> Int64 { real.wallMilliseconds() }

  func wait(
    _ poller: Int32, _ events: UnsafeMutableBufferPointer<epoll_event>, for milliseconds: Int32
  ) -> Int32 {
    waits += 1
    return real.wait(poller, events, for: min(milliseconds < 0 ? 50 : milliseconds, 50))
  }

  func accept(_ listener: Int32, _ address: inout sockaddr_storage) -> Int32 {
    acceptAnswers.isEmpty ? real.accept(listener, &address) : acceptAnswers.removeFirst()
  }

  func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    real.receive(descriptor, into: buffer)
  }

  func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    sends += 1
    guard !sendAnswers.isEmpty else { return real.send(descriptor, bytes) }
    switch sendAnswers.removeFirst() {
    case .fail(let code): return -Int(code)
    case .takeAtMost(let count):
      return real.send(descriptor, UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
    }
  }

  func send(_ descriptor: Int32, _ vectors: UnsafeBufferPointer<iovec>) -> Int {
    guard !sendAnswers.isEmpty else {
      sends += 1
      return real.send(descriptor, vectors)
    }
    let bytes = vectors.flatMap {
      Array(UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len))
    }
    return bytes.withUnsafeBytes { send(descriptor, $0) }
  }

  func close(_ descriptor: Int32) { real.close(descriptor) }
}
