import ChatCore
import Gateway
import Reactor
import WebSocket

// What the settings mean for the parts of the node.
extension Settings {
  var gatewayLimits: GatewayLimits { GatewayLimits() }

  var hubLimits: HubLimits {
    var limits = HubLimits()
    limits.sendsPerMinute = sendsPerMinute
    limits.pingMilliseconds = Int(gatewayLimits.pingInterval.wholeNanoseconds / 1_000_000)
    limits.frameBytesMax = gatewayLimits.message.messageBytesMax
    return limits
  }

  /// Without a list, pages that the node's own address would have served may connect.
  func originPolicy(for address: SocketAddress) -> OriginPolicy {
    if allowedOrigins == ["*"] { return .any }
    let texts =
      allowedOrigins.isEmpty
      ? ["http://\(address)", "http://localhost:\(address.port)"] : allowedOrigins
    return .only(Set(texts.compactMap { Origin($0) }))
  }
}
