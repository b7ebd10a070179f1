/// Why a query or a connection failed.
package enum PostgresError: Error, Hashable, Sendable {
  /// The server refused the query and the session goes on. `state` is the SQLSTATE.
  case refused(state: String, message: String)
  /// The connection is gone; what was under way may or may not have been done.
  case disconnected(reason: String)
}

extension PostgresError: CustomStringConvertible {
  /// The server's one-line message: no statement, no values, no password.
  package var description: String {
    switch self {
    case .refused(let state, let message): "\(message) (SQLSTATE \(state))"
    case .disconnected(let reason): reason
    }
  }

  /// libpq's messages span lines and end with one.
  static func oneLine(_ message: String) -> String {
    message.split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }
      .joined(separator: "; ")
  }
}
