internal import Glibc

/// What this build can be made to do wrong, and what the environment asks it to.
package enum FaultInjection {
  /// Whether the package trait is on.
  package static var isBuiltIn: Bool {
    #if FAULT_INJECTION
      true
    #else
      false
    #endif
  }

  /// What is switched on, for the log; nil when nothing is.
  package static var request: String? {
    guard isBuiltIn else { return nil }
    let words = [FailPlan.variable, Mutant.variable].compactMap { name in
      value(of: name).map { value in "\(name)=\(value)" }
    }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// Whether what is switched on is known here; a fault that is not injected must not go unnoticed.
  package static var isUnderstood: Bool {
    guard isBuiltIn else { return true }
    let plan = value(of: FailPlan.variable)
    let mutant = value(of: Mutant.variable)
    return (plan == nil || FailPlan.configured != nil)
      && (mutant == nil || Mutant.configured != nil)
  }

  /// A variable of the environment.
  static func value(of name: String) -> String? {
    guard let text = getenv(name) else { return nil }
    return String(cString: text)
  }
}
