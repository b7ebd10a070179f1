/// A back end that cannot be used as it is configured; one line that an operator can act on.
package struct BackendFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The server's URL, without secrets.
  package let server: String
  package let reason: String

  package init(server: String, reason: String) {
    self.server = server
    self.reason = reason
  }

  package var description: String { "\(server): \(reason)" }
}
