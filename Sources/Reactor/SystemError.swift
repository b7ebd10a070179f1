internal import Glibc

/// A system call that failed for a reason of its environment.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The call's `errno`.
  package let code: Int32
  package let call: StaticString

  package init(code: Int32, call: StaticString) {
    self.code = code
    self.call = call
  }

  /// Turns the shims' convention, a negative errno, into an error.
  @discardableResult
  static func check(_ result: Int32, _ call: StaticString) throws(SystemError) -> Int32 {
    guard result >= 0 else { throw SystemError(code: -result, call: call) }
    return result
  }

  package var description: String {
    var text = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &text, text.count) == 0 else { return "\(call): error \(code)" }
    return text.withUnsafeBufferPointer { "\(call): \(String(cString: $0.baseAddress!))" }
  }

  package static func == (left: SystemError, right: SystemError) -> Bool {
    left.code == right.code && left.call.description == right.call.description
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
