import ChatCore
import Gateway
import Glibc
import Logging
import Reactor

// Leaving without losing anyone: not ready at once, still accepting for a while so that balancers
// notice, then every session is told to come back elsewhere and closed, evenly over the drain time.
extension Node: EventHandler {
  /// How long the node accepts after it has said that it is not ready.
  private static let leavingTime = Duration.seconds(5)
  /// Between two looks at whether the last session has gone.
  private static let lookInterval = Duration.milliseconds(100)
  /// For close frames and routes under way, behind the drain time.
  private static let flushTime = Duration.seconds(5)

  /// SIGHUP has the certificate read again. SIGTERM leaves in order; SIGINT, a person at a terminal, closes all sessions at once. A
  /// second signal of either kind ends the process now.
  func received(signal: Int32) {
    if signal == SIGHUP { return reloadCertificate() }
    switch phase {
    case .leaving, .draining, .stopping:
      exitAtOnce()
    case .joining, .connecting:
      stop()
    case .listening where earlySignal == nil:
      earlySignal = signal
    case .listening:
      exitAtOnce()
    case .running:
      leave(signal)
    }
  }

  private func exitAtOnce() -> Never {
    log.warning("second signal: exiting at once")
    exit(1)
  }

  func leave(_ signal: Int32) {
    readiness.withLock { $0 = false }
    phase = .leaving
    log.info("leaving", metadata: ["signal": "\(signal)"])
    if signal == SIGINT { drain(over: .zero) } else { wait(Self.leavingTime) }
  }

  func timerFired() {
    switch phase {
    case .leaving:
      drain(over: settings.drainTime)
    case .draining:
      if loop.now >= drainEnds { return stop() }
      collectReports { [unowned self] reports in
        if reports.allSatisfy(\.isDrained) { stop() }
      }
      wait(Self.lookInterval)
    case .joining, .connecting, .listening, .running, .stopping:
      break
    }
  }

  private func drain(over time: Duration) {
    phase = .draining
    drainEnds = loop.now + time + Self.flushTime
    order(.stopListening)
    for hub in hubMailboxes { hub.post(.drain(over: time)) }
    wait(Self.lookInterval)
  }

  private func wait(_ time: Duration) { loop.setTimer(for: token, at: loop.now + time) }
}
