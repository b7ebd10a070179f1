internal import CLinux
internal import Glibc

/// Signals as events of one loop.
package final class SignalSource: EventHandler {
  private let loop: EventLoop
  private let descriptor: Int32
  private var token = Token(index: 0, generation: 0)
  private let received: (Int32) -> Void

  /// Blocks `signals` for the calling thread and all it starts later, and ignores SIGPIPE. To be
  /// called before any other thread is started.
  package static func block(_ signals: [Int32]) {
    var mask = Self.mask(signals)
    pthread_sigmask(SIG_BLOCK, &mask, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  package init(
    on loop: EventLoop, _ signals: [Int32], received: @escaping (Int32) -> Void
  ) throws(SystemError) {
    self.loop = loop
    self.received = received
    var mask = Self.mask(signals)
    descriptor = try SystemError.check(clinux_signalfd(&mask), "signalfd")
    token = try loop.add(self, descriptor: descriptor, interest: .readable)
  }

  private static func mask(_ signals: [Int32]) -> sigset_t {
    var mask = sigset_t()
    sigemptyset(&mask)
    for signal in signals { sigaddset(&mask, signal) }
    return mask
  }

  package func becameReady(_ readiness: Readiness) {
    var info = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    while read(descriptor, &info, size) == size { received(Int32(info.ssi_signo)) }
  }
}
