import Testing

@testable import HTTP1

@Suite struct RouterTests {
  private enum Route { case socket, health }

  private func match(_ method: String, _ path: String) throws -> String {
    var router = Router<Route>()
    router.add(.get, "/ws", .socket)
    router.add([.get, .post], "/healthz", .health)
    let transcript = Transcript(parsing: "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
    switch router.match(try #require(transcript.heads.first)) {
    case .found(let route): return "\(route)"
    case .notFound: return "404"
    case .methodNotAllowed(let allow): return "405 \(allow.allow)"
    }
  }

  @Test(arguments: [
    ("GET", "/ws", "socket"), ("GET", "/ws?a=/healthz", "socket"), ("HEAD", "/ws", "socket"),
    ("POST", "/healthz", "health"), ("POST", "/ws", "405 GET, HEAD"),
    ("DELETE", "/healthz", "405 GET, HEAD, POST"), ("GET", "/", "404"), ("GET", "/ws/", "404"),
    ("GET", "/WS", "404"), ("GET", "/x/../ws", "404"), ("GET", "/%77s", "404"),
    ("OPTIONS", "*", "404"),
  ])
  func `answers with a route, 404 or 405`(method: String, path: String, answer: String) throws {
    #expect(try match(method, path) == answer)
  }
}
