package import Reactor

/// An AMQP broker as an option names it: `amqp://[user[:password]@]host[:port][/virtual-host]`.
package struct AMQPEndpoint: Hashable, Sendable, CustomStringConvertible {
  package static let defaultPort: UInt16 = 5672
  /// What the protocol's short strings hold.
  private static let nameBytesMax = 255

  package let url: ServerURL
  package let virtualHost: String
  let user: String
  let password: String

  package init?(_ text: String) {
    guard let url = ServerURL(text, scheme: "amqp", defaultPort: Self.defaultPort) else {
      return nil
    }
    self.url = url
    virtualHost = url.path.flatMap { $0.isEmpty ? nil : $0 } ?? "/"
    user = url.user ?? "guest"
    password = url.password ?? (url.user == nil ? "guest" : "")
    guard virtualHost.utf8.count <= Self.nameBytesMax, user.utf8.count <= Self.nameBytesMax,
      password.utf8.count <= Self.nameBytesMax
    else { return nil }
  }

  /// Without the user and the password.
  package var description: String { url.description }
}
