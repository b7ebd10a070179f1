package import Reactor

/// A server as a URL names it, and whom its certificate must come from.
package struct ServerLocation {
  package let url: ServerURL
  /// Nil: the connection is plain.
  package let trust: TLSTrust?

  /// Reads `scheme://...`, or `schemes://...` for a server that is reached by TLS only; nil for
  /// anything else. There, and only there, `authorities` is the parameter that names a file of the
  /// authorities to trust instead of the system's.
  package init?(
    _ text: String, scheme: String, defaultPort: UInt16, defaultTLSPort: UInt16,
    authorities: String
  ) {
    if let url = ServerURL(text, scheme: scheme, defaultPort: defaultPort) {
      self.url = url
      trust = nil
    } else if let url = ServerURL(
      text, scheme: scheme + "s", defaultPort: defaultTLSPort, parameters: [authorities])
    {
      self.url = url
      trust = url.parameters[authorities].map { .file($0) } ?? .system
    } else {
      return nil
    }
  }
}
