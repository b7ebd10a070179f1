package import Forwarding
import Reactor

/// Who stands in front of a worker, and how they tell on whose behalf they come.
package struct ProxyPolicy: Sendable {
  /// Those whose `X-Forwarded-For`, `X-Forwarded-Proto` and PROXY headers are believed.
  package var trusted: TrustedProxies
  /// Whether every connection begins with a PROXY header.
  ///
  /// Nobody but a trusted proxy may connect then: the protocol forbids to guess whether the header
  /// is there, and to share a port between those who send it and those who do not (section 2).
  package var expectsHeader: Bool

  package init(trusted: TrustedProxies = TrustedProxies(), expectsHeader: Bool = false) {
    self.trusted = trusted
    self.expectsHeader = expectsHeader
  }
}

extension IPAddress {
  /// The address without its port.
  init(_ address: SocketAddress) {
    let (high, low) = address.halves
    self.init(high: high, low: low)
  }
}
