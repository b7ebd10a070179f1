/// Whom a proxy passes a connection on for, as the header in front of it says.
package enum ProxyHeader: Hashable, Sendable {
  /// Nobody, or somebody without an IP address: the connection is the proxy's own.
  case own
  case onBehalf(of: IPAddress)
}

/// Why a connection does not begin with a PROXY header.
package enum ProxyHeaderError: Error, Hashable, Sendable {
  /// It begins with something else.
  case noHeader
  /// A line of version 1 that is none, or has no end within 107 bytes.
  case badLine
  case unknownVersion
  case unknownCommand
  case unknownFamily
  /// Shorter than the addresses it says it has, or longer than anybody needs.
  case badLength
}
