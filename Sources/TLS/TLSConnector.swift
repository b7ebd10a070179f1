package import Reactor

/// Makes the layers of a client's connections to one host.
package struct TLSConnector {
  private let trust: TLSTrust
  private let host: String
  /// Made once: the system's authorities are many.
  private var context: TLSContext?

  /// - Parameter host: the name or the numeric address that the certificate must be for.
  package init(to host: String, trusting trust: TLSTrust) {
    self.host = host
    self.trust = trust
  }

  /// A layer for the next connection. The first call reads the authorities' file, and so does the
  /// first after `forgetAuthorities()`.
  package mutating func makeLayer() throws(TLSFileError) -> StreamLayer {
    let context: TLSContext
    if let made = self.context {
      context = made
    } else {
      context = try TLSContext(trusting: trust)
      self.context = context
    }
    guard let session = TLSSession(client: context, host: host) else {
      throw TLSFileError(host, "not a name that a certificate could be for")
    }
    return StreamLayer(session)
  }

  /// To be called when a server was not who it should be: the file may have been renewed with the
  /// server's certificate, and is then seen by the next attempt.
  package mutating func forgetAuthorities() { context = nil }
}
