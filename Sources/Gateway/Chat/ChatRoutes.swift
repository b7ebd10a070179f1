import ChatCore
import ChatProtocol
import HTTP1
package import Reactor
import SockJS
package import WebSocket

/// What a chat node answers on the address of its clients.
enum ChatRoute {
  case socket, health, ready, api, springHealth

  static let router: Router<ChatRoute> = {
    var router = Router<ChatRoute>()
    router.add(.get, "/ws", .socket)
    router.add(.get, "/healthz", .health)
    router.add(.get, "/readyz", .ready)
    router.add(.get, "/api/openapi.json", .api)
    router.add(.get, "/api/chat/health", .springHealth)
    return router
  }()

  /// In open mode: who the URL says the client is.
  static func user(of request: RequestHead) -> UserID? {
    request.target.parameter("user").flatMap { UserID(written: $0) }
  }

  /// Whether the request is for the REST interface.
  static func isAPI(_ request: RequestHead) -> Bool {
    request.target.path.starts(with: APIRoute.prefix.utf8)
  }

  static let springPrefix = "/api/chat/"

  /// Whether it is for that of Spring's convention.
  static func isSpringAPI(_ request: RequestHead) -> Bool {
    request.target.path.starts(with: springPrefix.utf8)
  }

  /// Who asks by the REST interface: whom `Authorization` names, or the address.
  static func caller(of request: RequestHead) -> UserID? {
    STOMPCredentials(request).user(authorizedBy: request.headers["Authorization"])
  }

  /// Whose a SockJS session is: whoever the URL names in the protocol that is spoken there.
  static func owner(of request: RequestHead) -> UserID? {
    STOMPSession.serves(request) ? STOMPCredentials(request).user : user(of: request)
  }
}

/// The SockJS services of a chat node.
package struct ChatSockJS: Sendable {
  /// Where iframes load the client's script from.
  package var scriptURL = "https://cdn.jsdelivr.net/npm/sockjs-client@1/dist/sockjs.min.js"
  /// Whether the transports that run scripts of ours in any page, `htmlfile` and `jsonp`, are there.
  package var hasScriptTransports = false

  package init() {}

  /// - Parameter origins: whose pages may come.
  package func mounts(origins: OriginPolicy) -> [SockJSMount] {
    var service = SockJSService(scriptURL: scriptURL)
    service.origins = origins
    service.needsCookie = true
    // With what it is wrapped in for another node, the bus takes it.
    service.limits.payloadBytesMax = EnvelopeBatch.loneBytesMax / 2
    if hasScriptTransports { service.transports.formUnion([.htmlFile, .jsonp, .jsonpSend]) }
    return [
      SockJSMount(prefix: "/sockjs", service: service),
      SockJSMount(
        prefix: STOMPSession.path, service: service, subprotocols: STOMPSession.subprotocols,
        hasSocketAtPrefix: true),
    ]
  }
}

extension SockJSServer {
  /// The services of a chat node, whose sessions belong to whom the URL of their first request says.
  package static func chat(
    on loop: EventLoop, _ settings: ChatSockJS, origins: OriginPolicy, limits: GatewayLimits,
    place: SockJSPlace
  ) -> SockJSServer {
    SockJSServer(
      loop: loop, mounts: settings.mounts(origins: origins), limits: limits, place: place
    ) {
      ChatRoute.owner(of: $0)?.name
    }
  }
}
