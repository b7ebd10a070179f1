package import Forwarding
package import HTTP1
package import WebSocket

// Whom the connection is from, where proxies stand between.
extension ClientConnection {
  /// The client's address, under which the connection is counted: of IPv6 its network of 64 bits.
  ///
  /// While the connection is a trusted proxy's, each request says anew who the client is. What is
  /// nobody's any more, once the connection has closed, is `::`.
  package var clientAddress: IPAddress {
    phase == .closed ? .unspecified : worker.addresses[addressPlace]
  }

  /// Counts the connection for the client of a request that came through `proxy`.
  func identifyClient(of request: RequestHead, behind proxy: IPAddress, _ http: HTTPStage) {
    let client = worker.proxies.trusted.client(
      of: proxy, forwardedFor: request.headers.values("x-forwarded-for"))
    http.isOverLimit = !worker.count(self, for: client, behind: proxy)
  }

  /// Where the page is from that a trusted proxy serves over TLS under the request's own host.
  ///
  /// Over TLS only: the browser has then seen a certificate for that host. Otherwise any page could
  /// have its own name resolve to the proxy, and be taken for one of ours.
  package func forwardedOrigin(of request: RequestHead) -> Origin? {
    guard http?.proxy != nil,
      request.headers.only("x-forwarded-proto")?.lowercased() == "https"
    else { return nil }
    return Origin("https://" + request.host)
  }
}
