package import Reactor

/// A Redis server as an option names it: `redis://[[user]:password@]host[:port][/database]`.
package struct RedisEndpoint: Hashable, Sendable, CustomStringConvertible {
  package static let defaultPort: UInt16 = 6379

  package let url: ServerURL
  package let database: Int

  package init?(_ text: String) {
    guard let url = ServerURL(text, scheme: "redis", defaultPort: Self.defaultPort) else {
      return nil
    }
    switch url.path {
    case nil, "": database = 0
    case let path?:
      guard let number = UInt16(path) else { return nil }
      database = Int(number)
    }
    self.url = url
  }

  /// Without the password.
  package var description: String { url.description }
}
