import ChatBackends
import PostgresClient
import Reactor
import WebSocket

/// Addresses of servers, and the origins of web pages.
func fuzzURLs(_ input: UnsafeRawBufferPointer) {
  guard let text = String(validating: input, as: UTF8.self) else { return }
  for scheme in ["redis", "amqp"] {
    guard let url = ServerURL(text, scheme: scheme, defaultPort: 1) else { continue }
    claim(!url.host.isEmpty && url.port > 0, "an address has a host and a port")
    claimShowsNoSecret(url.password, in: url.description, of: url.port, from: text)
  }
  if let url = try? DatabaseURL(text), case .postgres(let configuration) = url {
    claimShowsNoSecret(
      configuration.password, in: url.description, of: configuration.port, from: text)
  }
  _ = Origin(text)
  if let address = SocketAddress(numericHost: text, port: 7) {
    claim(
      SocketAddress(numericHost: address.host, port: 7) == address, "an address can be read again")
  }
}

/// What is logged of an address must not give its password away. One that is written elsewhere in
/// the address as well cannot be told from it, nor from a port that went without saying.
private func claimShowsNoSecret(
  _ password: String?, in description: String, of port: UInt16, from text: String
) {
  guard let password, password.utf8.count >= 3 else { return }
  let parts = text.split(separator: password, omittingEmptySubsequences: false)
  let shown = description.replacing(":\(port)", with: " ")
  claim(parts.count != 2 || !shown.contains(password), "\(description) shows no password")
}
