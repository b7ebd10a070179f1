import ChatCore
import Gateway
import SockJS
import Testing
import WebSocket

/// What becomes of frames whose request goes before they come, and of requests whose session is
/// looked for.
struct SockJSLossTests {
  private let nodes: SockJSNodes

  init() throws { nodes = try SockJSNodes() }

  private func open() {
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.first)?.body == "o\n")
  }

  private func send(_ text: String) {
    #expect(nodes.post("/s/000/abc/xhr_send", to: nodes.first, "[\"\(text)\"]")?.status == 204)
  }

  /// A poll whose client does not wait for an answer.
  private func pollAndGo(_ node: SockJSNodes.Node) {
    let poll = nodes.begin("/s/000/abc/xhr", on: node)
    nodes.first.server.settle()
    poll.close()
    nodes.first.server.settle()
  }

  @Test func `a poll that is given up while its session is looked for takes nothing`() {
    open()
    send("kept")
    nodes.second.registry.hold()
    pollAndGo(nodes.second)
    nodes.second.registry.letGo()
    nodes.first.server.settle()
    #expect(nodes.bus.published == 0)
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.first)?.body == "a[\"kept\"]\n")
  }

  @Test func `a session that nobody waits for any more is not opened`() {
    nodes.first.registry.hold()
    pollAndGo(nodes.first)
    nodes.first.registry.letGo()
    nodes.first.server.settle()
    #expect(nodes.first.application.events == [])
    #expect(nodes.first.sockJS.figures.sessions == 0)
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.second)?.body == "o\n")
    #expect(nodes.second.application.events == ["opened"])
  }

  @Test func `a claim that one request gives up stays with another that waits for it`() {
    nodes.first.registry.hold()
    let poll = nodes.begin("/s/000/abc/xhr", on: nodes.first)
    nodes.first.server.settle()
    let other = nodes.begin("/s/000/abc/xhr", on: nodes.first)
    nodes.first.server.settle()
    poll.close()
    nodes.first.server.settle()
    nodes.first.registry.letGo()
    #expect(other.chunkedResponse()?.body == "o\n")
    send("there")
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.second)?.body == "a[\"there\"]\n")
  }

  @Test func `a frame on its way to a poll that has gone is the next poll's`() {
    open()
    let poll = nodes.begin("/s/000/abc/xhr", on: nodes.second)
    nodes.first.server.settle()
    nodes.bus.hold()
    send("late")
    poll.close()
    nodes.first.server.settle()
    let next = nodes.begin("/s/000/abc/xhr", on: nodes.first)
    nodes.first.server.settle()
    #expect(next.text == "")
    nodes.bus.letGo()
    #expect(next.chunkedResponse()?.body == "a[\"late\"]\n")
    #expect(nodes.first.application.events == ["opened", "late"])
  }

  @Test func `a poll that goes as it is carried to its session leaves it alone`() {
    open()
    send("kept")
    nodes.bus.hold()
    pollAndGo(nodes.second)
    nodes.bus.letGo()
    nodes.first.server.settle()
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.second)?.body == "a[\"kept\"]\n")
    #expect(nodes.first.application.events == ["opened", "kept"])
  }

  @Test func `a session whose receiver never says that it has its frame ends`() {
    open()
    let poll = nodes.begin("/s/000/abc/xhr", on: nodes.second)
    nodes.first.server.settle()
    nodes.bus.lose([false, true])
    send("one")
    #expect(poll.chunkedResponse()?.body == "a[\"one\"]\n")
    let next = nodes.begin("/s/000/abc/xhr", on: nodes.first)
    send("two")
    nodes.first.server.pass(.seconds(26))
    #expect(next.chunkedResponse()?.body == "c[1002,\"Connection interrupted\"]\n")
    #expect(nodes.first.application.events.last == "closed")
  }

  @Test func `a poll whose frame is lost is told with the end of its session`() {
    open()
    let poll = nodes.begin("/s/000/abc/xhr", on: nodes.second)
    nodes.first.server.settle()
    nodes.bus.lose([true])
    send("lost")
    nodes.first.server.pass(.seconds(6))
    #expect(nodes.first.application.events.last == "closed")
    #expect(poll.response()?.status == 503)
  }

  // MARK: The registry

  @Test func `while the registry is away nobody opens a session that another node may have`() {
    open()
    nodes.first.registry.goAway()
    nodes.second.registry.goAway()
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.second)?.status == 503)
    #expect(nodes.post("/s/000/abc/xhr_send", to: nodes.second, "[\"x\"]")?.status == 503)
    #expect(nodes.second.application.events == [])
    send("there")
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.first)?.body == "a[\"there\"]\n")
  }

  @Test func `a session is claimed again while it lives`() {
    let stream = nodes.begin("/s/000/abc/xhr_streaming", on: nodes.first)
    #expect(stream.receive { stream.text.contains("o\n") })
    let claims = nodes.first.registry.claims
    nodes.first.server.pass(.seconds(60))
    #expect(nodes.first.registry.claims == claims)
    nodes.first.server.pass(.seconds(1800))
    #expect(nodes.first.registry.claims == claims + 1)
  }

  @Test func `a claim that was left behind is given up when somebody asks`() {
    nodes.first.registry.submit([.init(token: 0, operation: .claimSession("/s/abc"))]) { _ in }
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.second)?.status == 404)
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.second)?.body == "o\n")
  }

  // MARK: Requests

  @Test(arguments: [false, true])
  func `a client that goes behind a pipelined request is noticed`(isWholly: Bool) {
    open()
    let client = TestClient(to: nodes.first.server)
    client.send(
      client.request("/s/000/abc/xhr", method: "POST", ["Content-Length: 0"])
        + client.request("/s/info"))
    nodes.first.server.settle()
    if isWholly { client.close() } else { client.shutdownWriting() }
    #expect(nodes.first.server.turn { nodes.first.application.events == ["opened", "closed"] })
  }

  @Test func `a body that nobody wants is refused before it comes`() {
    for target in ["/s/000/abc/xhr", "/s/000/abc/nothing", "/s/info"] {
      let client = TestClient(to: nodes.first.server)
      client.send(client.request(target, method: "POST", ["Content-Length: 100000"]))
      #expect(client.response()?.status == 413)
    }
    let client = TestClient(to: nodes.first.server)
    client.send(client.request("/s/000/abc/xhr_send", method: "POST", ["Content-Length: 100000"]))
    nodes.first.server.settle()
    #expect(client.text == "")
  }

  @Test func `nothing passes behind the close of a session over a WebSocket`() {
    let client = TestClient(to: nodes.first.server)
    #expect(client.open("/s/000/abc/websocket")?.status == 101)
    #expect(client.nextFrame() == "text o")
    nodes.first.application.onMessage = { $0.close(.normal, reason: "enough") }
    client.send(frame(.text, "[\"one\",\"two\"]"))
    #expect(client.nextFrame() == "text c[1000,\"enough\"]")
    #expect(client.nextFrame() == "close 1000 enough")
    nodes.first.server.settle()
    #expect(nodes.first.application.events == ["opened", "one"])
  }
}
