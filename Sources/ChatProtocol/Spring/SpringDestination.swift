import Bytes

/// The destinations of Spring's convention.
package enum SpringDestination {
  /// Where a user's messages come from, and errors of what the user sent.
  package static let messages = "/user/queue/messages"
  package static let errors = "/user/queue/errors"
  private static let roomPrefix = "/topic/room."

  /// What a `SEND` there is.
  package enum Action: Hashable, Sendable {
    case message
    case typing
    case read
    /// One that this server does not know.
    case other(String)
  }

  package static func action(of destination: String) -> Action {
    switch destination {
    case "/app/chat.sendMessage", "/app/chat.send": .message
    case "/app/chat.typing": .typing
    case "/app/chat.read": .read
    default: .other(String(destination.split(separator: "/").last ?? ""))
    }
  }

  /// Where a room's messages come from.
  package static func room(_ name: String) -> String { roomPrefix + name }

  /// Whether something may come from there. Of rooms it is not said which there are: who is no member
  /// of one hears nothing of it.
  package static func isSource(_ destination: String) -> Bool {
    guard destination.hasPrefix(roomPrefix) else {
      return destination == messages || destination == errors
    }
    return Address("#" + destination.dropFirst(roomPrefix.count)) != nil
  }
}
