package import Reactor
package import TLS

/// A Redis server as an option names it: `redis://[[user]:password@]host[:port][/database]`, or
/// `rediss://...[?ssl_ca_certs=FILE]` for one that is reached by TLS only.
package struct RedisEndpoint: Hashable, Sendable, CustomStringConvertible {
  package static let defaultPort: UInt16 = 6379

  package let url: ServerURL
  package let database: Int
  /// Whom the server's certificate must come from; nil: the connection is plain.
  package let trust: TLSTrust?

  package init?(_ text: String) {
    guard
      let location = ServerLocation(
        text, scheme: "redis", defaultPort: Self.defaultPort, defaultTLSPort: Self.defaultPort,
        authorities: "ssl_ca_certs")
    else { return nil }
    url = location.url
    trust = location.trust
    switch url.path {
    case nil, "": database = 0
    case let path?:
      guard let number = UInt16(path) else { return nil }
      database = Int(number)
    }
  }

  /// Without the password.
  package var description: String { url.description }
}
