import SockJS
import Testing

@Suite struct SockJSRouteTests {
  private func route(_ suffix: String) -> SockJSRoute? { SockJSRoute(Array(suffix.utf8)[...]) }

  @Test func `knows the paths of the protocol`() {
    let table: [(String, SockJSRoute)] = [
      ("", .greeting),
      ("/", .greeting),
      ("/info", .info),
      ("/websocket", .rawWebSocket),
      ("/iframe.html", .iframe),
      ("/iframe-.html", .iframe),
      ("/iframe1.6.1.html", .iframe),
      ("/iframe-0.1.2abc-dirty.2144.html", .iframe),
      ("/000/a%20b/xhr", .session(server: "000", session: "a%20b", transport: .xhr)),
      ("/_/_/eventsource", .session(server: "_", session: "_", transport: .eventSource)),
      ("/000/info/websocket", .session(server: "000", session: "info", transport: .websocket)),
    ]
    for (suffix, expected) in table {
      #expect(route(suffix) == expected, "\(suffix)")
    }
    for transport in SockJSTransport.allCases {
      #expect(
        route("/1/s/\(transport.name)") == .session(server: "1", session: "s", transport: transport)
      )
    }
  }

  @Test func `finds nothing under any other path`() {
    let table = [
      "a", "//", "///", "/a", "/a/", "/a/a", "/a/a/", "/info/", "/INFO", "/websocket/",
      "/iframe", "/iframe.htm", "/iframe.HTML", "/IFRAME.HTML", "/iframe.xml", "/iframe-/.html",
      "/iframhtml", "/iframe.html/",
      "//xhr", "///xhr", "//a/xhr", "/a//xhr", "/a./a/xhr", "/a/a./xhr", "/./../xhr",
      "/%2e%2e/a/xhr", "/a/%2E/xhr", "/a/b/c/xhr", "/a/b/xhr/", "/a/b/XHR", "/a/b/xhr_", "/a/b/",
      "/a/b/chunking_test",
    ]
    for suffix in table {
      #expect(route(suffix) == nil, "\(suffix)")
    }
  }

  @Test func `takes elements up to their limit`() {
    let longest = String(repeating: "s", count: SockJSRoute.elementBytesMax)
    #expect(
      route("/1/\(longest)/xhr") == .session(server: "1", session: longest, transport: .xhr))
    #expect(route("/1/\(longest)s/xhr") == nil)
    #expect(route("/\(longest)s/1/xhr") == nil)
  }

  @Test func `reads no bytes beyond those it was given`() {
    let path = Array("/chat/000/abc/xhr".utf8)
    #expect(
      SockJSRoute(path[5...]) == .session(server: "000", session: "abc", transport: .xhr))
    #expect(SockJSRoute(path[5..<5]) == .greeting)
  }
}
