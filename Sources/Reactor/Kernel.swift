package import CLinux
internal import Glibc

/// The system calls of the message path, so that tests can answer in the kernel's place.
///
/// Results follow one convention: a negative number is minus `errno`. EINTR is retried inside.
package protocol SystemCalls: AnyObject {
  /// The monotonic clock.
  func now() -> Instant
  /// Milliseconds since 1970-01-01 UTC.
  func wallMilliseconds() -> Int64
  /// Milliseconds of -1 wait without end.
  func wait(_ poller: Int32, _ events: UnsafeMutableBufferPointer<epoll_event>, for: Int32) -> Int32
  func accept(_ listener: Int32, _ address: inout sockaddr_storage) -> Int32
  func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int
  /// Gives what has arrived and leaves it to be received.
  func peek(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int
  func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int
  func send(_ descriptor: Int32, _ vectors: UnsafeBufferPointer<iovec>) -> Int
  func close(_ descriptor: Int32)
}

/// The machine's own kernel, or what a test has in its place.
///
/// A struct that asks, not an object behind a protocol: to keep that alive for a call took 40
/// instructions, and a message makes two calls.
package struct Kernel {
  private let replacement: (any SystemCalls)?

  package init(replacedBy replacement: (any SystemCalls)? = nil) { self.replacement = replacement }

  package func now() -> Instant {
    if let replacement { return replacement.now() }
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  package func wallMilliseconds() -> Int64 {
    if let replacement { return replacement.wallMilliseconds() }
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  package func wait(
    _ poller: Int32, _ events: UnsafeMutableBufferPointer<epoll_event>, for milliseconds: Int32
  ) -> Int32 {
    if let replacement { return replacement.wait(poller, events, for: milliseconds) }
    let count = clinux_epoll_wait(poller, events.baseAddress, Int32(events.count), milliseconds)
    // A signal is not an event of this loop; the next turn recomputes the time-out.
    return count == -EINTR ? 0 : count
  }

  package func accept(_ listener: Int32, _ address: inout sockaddr_storage) -> Int32 {
    if let replacement { return replacement.accept(listener, &address) }
    return retryingInterrupts { clinux_accept(listener, &address) }
  }

  package func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if let replacement { return replacement.receive(descriptor, into: buffer) }
    return retryingInterrupts { clinux_recv(descriptor, buffer.baseAddress, buffer.count) }
  }

  package func peek(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if let replacement { return replacement.peek(descriptor, into: buffer) }
    return retryingInterrupts { clinux_peek(descriptor, buffer.baseAddress, buffer.count) }
  }

  package func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    if let replacement { return replacement.send(descriptor, bytes) }
    return retryingInterrupts { clinux_send(descriptor, bytes.baseAddress, bytes.count) }
  }

  package func send(_ descriptor: Int32, _ vectors: UnsafeBufferPointer<iovec>) -> Int {
    if let replacement { return replacement.send(descriptor, vectors) }
    return retryingInterrupts { clinux_writev(descriptor, vectors.baseAddress, vectors.count) }
  }

  package func close(_ descriptor: Int32) {
    if let replacement { return replacement.close(descriptor) }
    // Linux frees the descriptor even when close() reports EINTR: a retry could close another's.
    let result = Glibc.close(descriptor)
    precondition(result == 0 || errno != EBADF, "closed a descriptor twice")
  }

  private func retryingInterrupts<Number: SignedInteger>(_ call: () -> Number) -> Number {
    while true {
      let result = call()
      if result != Number(-EINTR) { return result }
    }
  }
}
