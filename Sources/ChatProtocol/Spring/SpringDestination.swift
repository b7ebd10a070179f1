/// The destinations of Spring's convention.
package enum SpringDestination {
  /// Where a user's messages come from, and errors of what the user sent.
  package static let messages = "/user/queue/messages"
  package static let errors = "/user/queue/errors"

  /// What a `SEND` there is.
  package enum Action: Hashable, Sendable {
    case message
    /// One that this server does not know, such as `typing`.
    case other(String)
  }

  package static func action(of destination: String) -> Action {
    switch destination {
    case "/app/chat.sendMessage", "/app/chat.send": .message
    default: .other(String(destination.split(separator: "/").last ?? ""))
    }
  }

  /// Whether something may come from there. Of rooms nothing does: the server does not have them.
  package static func isSource(_ destination: String) -> Bool {
    destination == messages || destination == errors
  }
}
