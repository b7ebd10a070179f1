internal import Reactor

/// Which server, as whom, and how long to wait for it.
package struct PostgresConfiguration: Sendable {
  package var host: String
  package var port: UInt16
  package var user: String
  package var password: String?
  package var database: String
  package var security: Security
  /// A file with the certificates to trust; the user's own (`~/.postgresql/root.crt`) without.
  package var rootCertificate: String?

  /// From the first packet to a session that takes queries, for each address of the host.
  package var connectTimeout: Duration = .seconds(5)
  /// From sending a query to its whole reply; a server that takes longer is taken for stuck.
  package var requestTimeout: Duration = .seconds(5)
  /// Bytes that may arrive before one reply is complete; a peer that sends more is dropped.
  package var replyBytesMax = 64 << 20

  /// Never one that falls back to plaintext by itself.
  package enum Security: String, Sendable, CaseIterable {
    case disable
    /// TLS with any certificate.
    case require
    case verifyAuthority = "verify-ca"
    case verifyFull = "verify-full"
  }

  package init(
    host: String, port: UInt16 = 5432, user: String = "postgres", password: String? = nil,
    database: String? = nil, security: Security? = nil, rootCertificate: String? = nil
  ) {
    self.host = host
    self.port = port
    self.user = user
    self.password = password
    self.database = database ?? user
    self.security = security ?? (Self.isLoopback(host) ? .disable : .verifyFull)
    self.rootCertificate = rootCertificate
  }

  /// By the address: a name may begin like one and be anybody's.
  private static func isLoopback(_ host: String) -> Bool {
    host == "localhost" || SocketAddress(numericHost: host, port: 0)?.isLoopback == true
  }

  /// libpq's keywords for a connection to one address of the host.
  func keywords(address: String) -> [(key: String, value: String)] {
    var keywords = [
      ("host", host), ("hostaddr", address), ("port", "\(port)"), ("user", user),
      ("dbname", database), ("sslmode", security.rawValue), ("gssencmode", "disable"),
      ("application_name", "chat-server"), ("client_encoding", "UTF8"),
      // A peer that vanished without a word is noticed also while no query is under way.
      ("keepalives", "1"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
      ("keepalives_count", "3"),
    ]
    if let password { keywords.append(("password", password)) }
    if let rootCertificate { keywords.append(("sslrootcert", rootCertificate)) }
    return keywords.map { (key: $0.0, value: $0.1) }
  }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible {
  /// Without the password.
  package var description: String {
    let host = host.contains(":") ? "[\(host)]" : host
    return "postgres://\(user)@\(host):\(port)/\(database)"
  }

  package var debugDescription: String { description }
}
