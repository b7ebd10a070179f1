package import PostgresClient

/// Where messages are kept: `sqlite:PATH` or `postgres://user:password@host:port/database`.
package enum DatabaseURL: Sendable, CustomStringConvertible {
  case sqlite(path: String)
  case postgres(PostgresConfiguration)

  /// Shows no password.
  package struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  package init(_ text: String) throws(ParseError) {
    if let path = text.dropping(prefix: "sqlite:") {
      guard !path.isEmpty else { throw ParseError(description: "sqlite: needs a path") }
      self = .sqlite(path: String(path))
    } else if let rest = text.dropping(prefix: "postgres://")
      ?? text.dropping(prefix: "postgresql://")
    {
      self = .postgres(try Self.configuration(rest))
    } else {
      throw ParseError(description: "a database URL begins with postgres:// or sqlite:")
    }
  }

  package var description: String {
    switch self {
    case .sqlite(let path): "sqlite:\(path)"
    case .postgres(let configuration): configuration.description
    }
  }

  private static func configuration(
    _ text: Substring
  ) throws(ParseError) -> PostgresConfiguration {
    let (beforeQuery, query) = text.cut(atFirst: "?")
    let (authority, path) = beforeQuery.cut(atFirst: "/")
    var (credentials, location) = (Substring?.none, authority)
    if let at = authority.lastIndex(of: "@") {
      credentials = authority[..<at]
      location = authority[authority.index(after: at)...]
    }
    let (host, port) = try hostAndPort(location)
    let (user, password) = (credentials ?? "postgres").cut(atFirst: ":")
    let database = try path.map { path throws(ParseError) in try decode(path) } ?? ""
    var configuration = PostgresConfiguration(
      host: try decode(host), port: port, user: try decode(user),
      password: try password.map { password throws(ParseError) in try decode(password) },
      database: database.isEmpty ? nil : database)
    for parameter in (query ?? "").split(separator: "&") {
      try apply(parameter, to: &configuration)
    }
    return configuration
  }

  private static func hostAndPort(
    _ text: Substring
  ) throws(ParseError) -> (host: Substring, port: UInt16) {
    var (host, portText) = (text, Substring?.none)
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else {
        throw ParseError(description: "the database URL's IPv6 address has no end")
      }
      host = text[text.index(after: text.startIndex)..<end]
      let rest = text[text.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else {
        throw ParseError(description: "the database URL's host is not valid")
      }
      portText = rest.isEmpty ? nil : rest.dropFirst()
    } else {
      (host, portText) = text.cut(atFirst: ":")
    }
    guard !host.isEmpty else { throw ParseError(description: "the database URL has no host") }
    guard let portText else { return (host, 5432) }
    guard let port = UInt16(portText), port > 0 else {
      throw ParseError(description: "the database URL's port is not a number from 1 to 65535")
    }
    return (host, port)
  }

  private static func apply(
    _ parameter: Substring, to configuration: inout PostgresConfiguration
  ) throws(ParseError) {
    let (name, value) = parameter.cut(atFirst: "=")
    switch name {
    case "sslmode":
      guard let security = PostgresConfiguration.Security(rawValue: String(value ?? "")) else {
        let known = PostgresConfiguration.Security.allCases.map(\.rawValue)
        throw ParseError(
          description: "the database URL's sslmode is none of " + known.joined(separator: ", "))
      }
      configuration.security = security
    case "sslrootcert":
      configuration.rootCertificate = try decode(value ?? "")
    default:
      throw ParseError(description: "the database URL has an unknown parameter")
    }
  }

  /// Resolves `%40` and the like.
  private static func decode(_ text: Substring) throws(ParseError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexDigit),
        let low = rest.popFirst().flatMap(hexDigit), high | low != 0
      else { throw ParseError(description: "the database URL has a broken %-escape") }
      bytes.append(high << 4 | low)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) }
  }
}

extension StringProtocol {
  fileprivate func dropping(prefix: String) -> SubSequence? {
    hasPrefix(prefix) ? dropFirst(prefix.count) : nil
  }

  /// What stands before the first separator, and what behind it; nil without one.
  fileprivate func cut(atFirst separator: Character) -> (SubSequence, SubSequence?) {
    guard let index = firstIndex(of: separator) else { return (self[...], nil) }
    return (self[..<index], self[self.index(after: index)...])
  }
}
