package import Forwarding
import HTTP1

// Whom the connection is from, where proxies stand between.
extension ClientConnection {
  /// The client's address, under which the connection is counted: of IPv6 its network of 64 bits,
  /// unless it is exempt from being limited.
  ///
  /// While the connection is a trusted proxy's, each request says anew who the client is. What is
  /// nobody's any more, once the connection has closed, is `::`.
  package var clientAddress: IPAddress {
    phase == .closed ? .unspecified : worker.addresses[addressPlace]
  }

  /// The client's address, where limits per address are for it: not for a trusted proxy and not for
  /// this machine, whose addresses stand for many clients.
  var limitedAddress: IPAddress? {
    let address = clientAddress
    // Of the whole address: that of a network says nothing of a proxy in it.
    let isExempt = phase != .closed && worker.addresses.isExempt(addressPlace)
    return isExempt || address.isLoopback ? nil : address
  }

  /// Takes the word of `proxy` for whom the current request is from: counts the connection for that
  /// client, and knows whether it speaks TLS with the proxy.
  func identifyClient(behind proxy: IPAddress, _ http: HTTPStage) {
    guard let headers = http.current?.headers else { return }
    let client = worker.proxies.trusted.client(
      of: proxy, forwardedFor: headers.values("x-forwarded-for"))
    http.isOverLimit = !worker.count(self, for: client, behind: proxy)
    http.current?.isSecure = headers.only("x-forwarded-proto")?.lowercased() == "https"
  }
}
