/// What both sides agreed on of permessage-deflate.
package struct DeflateParameters: Hashable, Sendable {
  /// Whether the server's messages refer to earlier ones.
  package var serverKeepsContext: Bool
  /// Whether the client's do.
  package var clientKeepsContext: Bool
  /// Of the server's window: 9 to 15.
  package var serverWindowBits: Int
  /// Of the client's window: 8 to 15.
  package var clientWindowBits: Int
  /// Whether the client is told of its window, which it must have offered.
  private let namesClientWindow: Bool
  private let namesServerWindow: Bool

  /// Takes the first offer that the server can keep to; nil when there is none.
  init?(offers: [DeflateOffer], policy: CompressionPolicy) {
    for offer in offers {
      guard let parameters = DeflateParameters(accepting: offer, policy: policy) else { continue }
      self = parameters
      return
    }
    return nil
  }

  private init?(accepting offer: DeflateOffer, policy: CompressionPolicy) {
    // zlib's deflate has no window of 256 bytes, and a client that asked for one would not
    // understand the next larger.
    let serverWindowBitsMax = offer.serverWindowBitsMax ?? 15
    guard serverWindowBitsMax >= 9 else { return nil }
    let mayKeep = policy.contextsMax > 0
    serverKeepsContext = mayKeep && offer.serverMayKeepContext
    serverWindowBits = min(
      serverWindowBitsMax, serverKeepsContext ? policy.contextWindowBits : policy.windowBitsMax)
    namesServerWindow = offer.serverWindowBitsMax != nil || serverWindowBits < 15
    // A client that cannot be told of a smaller window would make us keep the largest.
    let isSmallEnough = (offer.clientWindowBitsMax ?? 15) <= policy.contextWindowBits
    namesClientWindow = mayKeep && offer.clientMayKeepContext && offer.clientWindowBitsMax != nil
    clientKeepsContext =
      mayKeep && offer.clientMayKeepContext && (namesClientWindow || isSmallEnough)
    // The inflater of all connections has the largest window, so nobody is told a smaller one.
    clientWindowBits =
      namesClientWindow ? min(offer.clientWindowBitsMax ?? 15, policy.contextWindowBits) : 15
  }

  package var keepsContext: Bool { serverKeepsContext || clientKeepsContext }

  /// The element of the response's `Sec-WebSocket-Extensions`.
  package var fieldValue: String {
    var value = "\(DeflateOffer.name)"
    if !serverKeepsContext { value += "; server_no_context_takeover" }
    if !clientKeepsContext { value += "; client_no_context_takeover" }
    if namesServerWindow { value += "; server_max_window_bits=\(serverWindowBits)" }
    if namesClientWindow { value += "; client_max_window_bits=\(clientWindowBits)" }
    return value
  }
}
