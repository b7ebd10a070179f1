/// A fault built into the server, to see that the checks of `deploy/chaos` find it.
///
/// `CHAT_MUTANT=plain-del` switches one on. Only in a build with the package trait
/// `FaultInjection`; without it none is ever active, and the compiler leaves its code out.
@usableFromInline
package enum Mutant: String, CaseIterable, Sendable {
  /// Messages are acknowledged and sent on while their transaction is still open.
  case ackBeforeCommit = "ack-before-commit"
  /// A late clean-up removes a registration whoever made it.
  case plainDel = "plain-del"
  /// The broker may drop a message that no queue takes.
  case noMandatory = "no-mandatory"
  /// That a message was sent before is known to the process that stored it, and to no other.
  case dedupeInMemory = "dedupe-in-memory"
  /// A device that comes back does not get the first message that it missed.
  case resumeSkipsOne = "resume-skips-one"

  @inlinable
  package var isActive: Bool {
    #if FAULT_INJECTION
      return isConfigured
    #else
      return false
    #endif
  }

  @usableFromInline
  var isConfigured: Bool { Self.configured == self }

  static let variable = "CHAT_MUTANT"
  static let configured = FaultInjection.value(of: variable).flatMap { Mutant(rawValue: $0) }
}
