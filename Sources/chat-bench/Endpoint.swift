import Reactor

/// One `--url`, looked up.
struct Endpoint: Sendable {
  let url: String
  let host: String
  let target: String
  let address: SocketAddress

  enum Failure: Error, CustomStringConvertible {
    case notAWebSocketURL(String)
    case unresolved(ResolveError)

    var description: String {
      switch self {
      case .notAWebSocketURL(let text): "not a ws:// URL: \(text)"
      case .unresolved(let error): error.description
      }
    }
  }

  /// Without a path the server's `/ws` is meant. Blocks for the look-up.
  init(_ text: String) throws(Failure) {
    guard let url = ServerURL(text, scheme: "ws", defaultPort: 80) else {
      throw .notAWebSocketURL(text)
    }
    do {
      // The resolver answers with one address or more.
      address = try Resolver.resolve(host: url.host, port: url.port)[0]
    } catch {
      throw .unresolved(error)
    }
    let name = url.host.contains(":") ? "[\(url.host)]" : url.host
    self.url = url.description
    host = "\(name):\(url.port)"
    target = "/" + (url.path.flatMap { $0.isEmpty ? nil : $0 } ?? "ws")
  }
}
