package import Reactor
package import TLS

/// An AMQP broker as an option names it: `amqp://[user[:password]@]host[:port][/virtual-host]`, or
/// `amqps://...[?cacertfile=FILE]` for one that is reached by TLS only.
package struct AMQPEndpoint: Hashable, Sendable, CustomStringConvertible {
  package static let defaultPort: UInt16 = 5672
  package static let defaultTLSPort: UInt16 = 5671
  /// What the protocol's short strings hold.
  private static let nameBytesMax = 255

  package let url: ServerURL
  package let virtualHost: String
  let user: String
  let password: String
  /// Whom the broker's certificate must come from; nil: the connection is plain.
  package let trust: TLSTrust?

  package init?(_ text: String) {
    guard
      let location = ServerLocation(
        text, scheme: "amqp", defaultPort: Self.defaultPort, defaultTLSPort: Self.defaultTLSPort,
        authorities: "cacertfile")
    else { return nil }
    url = location.url
    trust = location.trust
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
