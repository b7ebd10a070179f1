import PostgresClient
import Reactor

/// Where the messages are kept: `sqlite:PATH` or `postgres://[user[:password]@]host[:port]/name`.
enum DatabaseLocation {
  case sqlite(path: String)
  case postgres(PostgresConfiguration)

  init?(_ text: String) {
    if text.hasPrefix("sqlite:") {
      let path = String(text.dropFirst("sqlite:".count))
      guard !path.isEmpty else { return nil }
      self = .sqlite(path: path)
      return
    }
    guard let (location, security) = Self.splitSecurity(text) else { return nil }
    let schemes = ["postgres", "postgresql"]
    let urls = schemes.compactMap { ServerURL(location, scheme: $0, defaultPort: 5432) }
    guard let url = urls.first else { return nil }
    let name = url.path.flatMap { $0.isEmpty ? nil : $0 }
    self = .postgres(
      PostgresConfiguration(
        host: url.host, port: url.port, user: url.user ?? "postgres", password: url.password,
        database: name, security: security))
  }

  /// Takes `?sslmode=` off, the one parameter that a URL may have here.
  private static func splitSecurity(
    _ text: String
  ) -> (String, PostgresConfiguration.Security?)? {
    guard let mark = text.firstIndex(of: "?") else { return (text, nil) }
    let parameter = text[text.index(after: mark)...]
    guard parameter.hasPrefix("sslmode="),
      let security = PostgresConfiguration.Security(
        rawValue: String(parameter.dropFirst("sslmode=".count)))
    else { return nil }
    return (String(text[..<mark]), security)
  }
}
