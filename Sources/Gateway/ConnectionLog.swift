import Forwarding
import Logging
import Reactor
import TLS

/// How much of something one address may have.
struct AddressLimit {
  let countMax: Int
  let of: StaticString
}

/// The lines that a worker writes about single connections, most of them for debugging only.
final class ConnectionLog {
  /// Between two lines about clients with too many connections.
  private static let warningInterval = Duration.seconds(60)

  private let log: Logger?
  /// Asked first: a disabled level costs more to find out about than a connection may.
  private let isDebugging: Bool
  private var nextWarning = Instant(nanoseconds: .min)

  init(_ log: Logger?) {
    self.log = log
    isDebugging = log.map { $0.logLevel <= .debug } ?? false
  }

  func accepted(_ peer: IPAddress) {
    guard isDebugging else { return }
    log?.debug("connection accepted", metadata: ["client.address": "\(peer)"])
  }

  func refused(_ peer: IPAddress, _ reason: String) {
    guard isDebugging else { return }
    log?.debug(
      "connection refused", metadata: ["client.address": "\(peer)", "reason": "\(reason)"])
  }

  /// - Parameter failure: nil when the connection was closed for no fault in what came.
  func handshakeFailed(_ peer: IPAddress, _ failure: TLSFailure?) {
    guard isDebugging else { return }
    let reason = failure?.description ?? "closed before it was done"
    log?.debug(
      "tls handshake failed", metadata: ["client.address": "\(peer)", "reason": "\(reason)"])
  }

  func opened(_ client: IPAddress) {
    guard isDebugging else { return }
    log?.debug("websocket opened", metadata: ["client.address": "\(client)"])
  }

  /// One line a minute: a proxy that is not trusted, or an attack.
  func tooMany(from client: IPAddress, _ limit: AddressLimit, now: Instant) {
    guard now >= nextWarning else { return }
    nextWarning = now + Self.warningInterval
    log?.warning(
      "too many connections of one address; a proxy's has to be trusted",
      metadata: [
        "client.address": "\(client)", "limit": "\(limit.countMax)", "limit.of": "\(limit.of)",
      ])
  }
}
