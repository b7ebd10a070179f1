import ChatProtocol
import Gateway
import HTTP1
import Reactor
import WebSocket

/// `/healthz`, `/readyz` and `/metrics`, on an address of their own and on the control loop.
final class OperationsServer: Application {
  private enum Route { case health, ready, metrics }

  private static let router: Router<Route> = {
    var router = Router<Route>()
    router.add(.get, "/healthz", .health)
    router.add(.get, "/readyz", .ready)
    router.add(.get, "/metrics", .metrics)
    return router
  }()

  private unowned let node: Node
  private var worker: Worker?

  init(node: Node) throws(SystemError) {
    self.node = node
    var limits = GatewayLimits()
    limits.connectionsMax = 256
    let worker = Worker(
      loop: node.loop, limits: limits, origins: .only([]), application: self,
      pingTimeoutCode: CloseCode(ChatCloseCode.pingTimeout.rawValue))
    _ = try worker.listen(on: node.settings.opsListen) { _ in }
    self.worker = worker
  }

  func answer(_ request: RequestHead, body: [UInt8], on connection: ClientConnection) -> Answer {
    switch Self.router.route(request) {
    case .found(.health):
      return .respond(.text(.ok, "ok\n"))
    case .found(.ready):
      return .respond(.readiness(node.isReady))
    case .found(.metrics):
      node.collectReports { [node] reports in
        let text = NodeMetrics(reports: reports, node: node).text
        connection.respond(Response(.ok, contentType: MetricsText.contentType, text))
      }
      return .respondLater
    case .failed(let response):
      return .respond(response)
    }
  }

  // No route here is a WebSocket.
  func opened(_ channel: Channel, request: RequestHead) {}
  func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, on channel: Channel) {}
  func closed(_ channel: Channel) {}
  func congestionChanged(_ isCongested: Bool, on channel: Channel) {}
}
