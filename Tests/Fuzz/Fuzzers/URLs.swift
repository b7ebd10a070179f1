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
    var bare = url
    bare.password = nil
    claim(url.description == bare.description, "what is logged does not depend on the password")
  }
  if let url = try? DatabaseURL(text), case .postgres(var configuration) = url {
    configuration.password = nil
    claim(
      url.description == DatabaseURL.postgres(configuration).description,
      "what is logged does not depend on the password")
  }
  _ = Origin(text)
  if let address = SocketAddress(numericHost: text, port: 7) {
    claim(
      SocketAddress(numericHost: address.host, port: 7) == address, "an address can be read again")
  }
}
