import ChatCore
import Gateway
import Reactor
import WebSocket

// What the settings mean for the parts of the node.
extension Settings {
  var gatewayLimits: GatewayLimits {
    var limits = GatewayLimits()
    limits.compression = compression
    limits.connectionsPerAddressMax = connectionsPerAddress
    return limits
  }

  var hubLimits: HubLimits {
    var limits = HubLimits()
    limits.sendsPerMinute = sendsPerMinute
    limits.sendsBurst = max(sendsPerMinute / 2, 1)
    limits.pingMilliseconds = Int(gatewayLimits.pingInterval.wholeNanoseconds / 1_000_000)
    limits.frameBytesMax = gatewayLimits.message.messageBytesMax
    return limits
  }

  /// Which pages may connect to a node that listens on `address`.
  func originPolicy(for address: SocketAddress) -> OriginPolicy {
    let scheme = tls == nil ? "http" : "https"
    let own = ["\(scheme)://\(address)", "\(scheme)://localhost:\(address.port)"]
    return origins ?? .own(Set(own.compactMap { Origin($0) }))
  }
}
