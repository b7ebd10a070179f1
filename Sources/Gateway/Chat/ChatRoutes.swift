import HTTP1

/// What a chat node answers on the address of its clients.
enum ChatRoute {
  case socket, stomp, health, ready

  static let router: Router<ChatRoute> = {
    var router = Router<ChatRoute>()
    router.add(.get, "/ws", .socket)
    router.add(.get, STOMPSession.path, .stomp)
    router.add(.get, "/healthz", .health)
    router.add(.get, "/readyz", .ready)
    return router
  }()
}
