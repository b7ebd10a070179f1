import Gateway
import SockJS
import Testing
import WebSocket

/// What becomes of sessions and of requests for them when a node stops.
struct SockJSDrainTests {
  private let nodes: SockJSNodes

  init() throws { nodes = try SockJSNodes() }

  private func stop(_ node: SockJSNodes.Node) {
    node.server.worker.stopListening()
    node.sockJS.drain()
  }

  @Test(arguments: ["xhr", "xhr_streaming"])
  func `what a stopping node receives for another is ended, and the session goes on`(
    transport: String
  ) {
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    let client = nodes.begin("/s/000/abc/\(transport)", on: nodes.second)
    nodes.first.server.settle()
    stop(nodes.second)
    #expect(client.chunkedResponse()?.body.hasSuffix("h\n") == true)
    _ = nodes.post("/s/000/abc/xhr_send", to: nodes.first, "[\"on\"]")
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.first)?.body == "a[\"on\"]\n")
    #expect(nodes.first.application.events == ["opened", "on"])
    #expect(nodes.second.sockJS.figures.exchanges == 0)
  }

  @Test func `a request for another node's session that comes late is ended at once`() {
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    let client = TestClient(to: nodes.second.server)
    client.get("/s/info")
    #expect(client.response()?.status == 200)
    stop(nodes.second)
    client.send(client.request("/s/000/abc/xhr", method: "POST", ["Content-Length: 0"]))
    #expect(client.chunkedResponse()?.body == "h\n")
    #expect(client.receivesEnd())
  }

  @Test func `a session of a stopping node is received to its end on the connection there is`() {
    let client = TestClient(to: nodes.first.server)
    func ask(_ transport: String, _ body: String = "") -> TestResponse? {
      client.send(
        client.request(
          "/s/000/abc/\(transport)", method: "POST", ["Content-Length: \(body.utf8.count)"]) + body)
      return client.chunkedResponse()
    }
    #expect(ask("xhr")?.body == "o\n")
    stop(nodes.first)
    #expect(ask("xhr_send", "[\"last\"]")?.status == 204)
    nodes.first.application.channel?.close(CloseCode(4200), reason: "stopping")
    #expect(ask("xhr")?.body == "a[\"last\"]\n")
    #expect(ask("xhr")?.body == "c[4200,\"stopping\"]\n")
    nodes.first.server.pass(.seconds(6))
    #expect(nodes.first.sockJS.figures.sessions == 0)
    // And no other begins.
    #expect(ask("xhr")?.status == 503)
    #expect(client.receivesEnd())
  }

  @Test(arguments: ["xhr", "xhr_streaming"])
  func `a stopping node's close reaches a request on another`(transport: String) {
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    let client = nodes.begin("/s/000/abc/\(transport)", on: nodes.second)
    nodes.first.server.settle()
    stop(nodes.first)
    nodes.first.application.channel?.close(CloseCode(4200), reason: "stopping")
    #expect(client.chunkedResponse()?.body.hasSuffix("c[4200,\"stopping\"]\n") == true)
  }
}
