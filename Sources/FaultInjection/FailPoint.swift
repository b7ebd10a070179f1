internal import Glibc
internal import Synchronization

/// A place on a message's way at which the process can be made to die.
///
/// `CHAT_FAIL_POINT=after-commit:500` ends the process with SIGKILL at the 500th pass. Only in a
/// build with the package trait `FaultInjection`; without it a pass is nothing.
@usableFromInline
package enum FailPoint: String, CaseIterable, Sendable {
  /// A group of messages is about to be sent to the database.
  case beforeCommit = "before-commit"
  /// The database has them, and nobody else knows.
  case afterCommit = "after-commit"
  /// The broker has them too.
  case afterPublish = "after-publish"

  @inlinable
  package func pass() {
    #if FAULT_INJECTION
      passCounted()
    #endif
  }

  @usableFromInline
  func passCounted() {
    guard let plan = FailPlan.configured, plan.point == self, plan.isLastPass() else { return }
    let line = "fail point \(rawValue) passed \(plan.passes) times: killed\n"
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    kill(getpid(), SIGKILL)
    // The signal may find another thread first; this one goes no further.
    while true { pause() }
  }
}

/// At which pass of which point the process dies.
final class FailPlan: Sendable {
  static let variable = "CHAT_FAIL_POINT"
  /// Read once, by whoever passes first.
  static let configured = FaultInjection.value(of: variable).flatMap { FailPlan($0) }

  let point: FailPoint
  let passes: UInt64
  private let passed = Atomic<UInt64>(0)

  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let point = FailPoint(rawValue: String(parts[0])),
      let passes = UInt64(parts[1]), passes > 0
    else { return nil }
    self.point = point
    self.passes = passes
  }

  func isLastPass() -> Bool { passed.add(1, ordering: .relaxed).newValue == passes }
}
