import Gateway
import SockJS
import Testing

/// Requests of one session that come to the node that owns it and to another.
struct SockJSRelayTests {
  @Test func `polls and sends work on whichever node they come to`() throws {
    let nodes = try SockJSNodes()
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.first)?.body == "o\n")
    for round in 0..<10 {
      let (sender, receiver) =
        round % 2 == 0 ? (nodes.first, nodes.second) : (nodes.second, nodes.first)
      #expect(nodes.post("/s/000/abc/xhr_send", to: sender, "[\"m\(round)\"]")?.status == 204)
      #expect(nodes.post("/s/000/abc/xhr", to: receiver)?.body == "a[\"m\(round)\"]\n")
    }
    #expect(nodes.first.application.events == ["opened"] + (0..<10).map { "m\($0)" })
    #expect(nodes.second.application.events == [])
    #expect(nodes.second.sockJS.figures.sessions == 0)
  }

  @Test func `a stream on another node gets each frame as it comes`() throws {
    let nodes = try SockJSNodes()
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.first)?.body == "o\n")
    let stream = nodes.begin("/s/000/abc/xhr_streaming", on: nodes.second)
    stream.receive { stream.text.contains("hhhh") }
    for word in ["one", "two", "three"] {
      _ = nodes.post("/s/000/abc/xhr_send", to: nodes.second, "[\"\(word)\"]")
      #expect(stream.receive { stream.text.contains("a[\"\(word)\"]\n") })
    }
    #expect(!stream.hasEnded)
  }

  @Test func `a session that nobody has takes nothing`() throws {
    let nodes = try SockJSNodes()
    #expect(nodes.post("/s/000/abc/xhr_send", to: nodes.first, "[\"x\"]")?.status == 404)
    #expect(nodes.first.sockJS.figures.sessions == 0)
  }

  @Test(arguments: [false, true])
  func `another user's session is not there`(isElsewhere: Bool) throws {
    let nodes = try SockJSNodes()
    #expect(nodes.post("/s/000/abc/xhr?user=alice", to: nodes.first)?.body == "o\n")
    let node = isElsewhere ? nodes.second : nodes.first
    for user in ["?user=mallory", ""] {
      #expect(nodes.post("/s/000/abc/xhr_send\(user)", to: node, "[\"x\"]")?.status == 404)
      #expect(nodes.post("/s/000/abc/xhr\(user)", to: node)?.status == 404)
    }
    #expect(nodes.first.application.events == ["opened"])
    #expect(nodes.post("/s/000/abc/xhr_send?user=alice", to: node, "[\"y\"]")?.status == 204)
    #expect(nodes.post("/s/000/abc/xhr?user=alice", to: node)?.body == "a[\"y\"]\n")
  }

  @Test func `a second receiver on another node is refused and the first goes on`() throws {
    let nodes = try SockJSNodes()
    let stream = nodes.begin("/s/000/abc/xhr_streaming", on: nodes.first)
    #expect(stream.receive { stream.text.contains("o\n") })
    let second = nodes.post("/s/000/abc/xhr", to: nodes.second)
    #expect(second?.body == "c[2010,\"Another connection still open\"]\n")
    _ = nodes.post("/s/000/abc/xhr_send", to: nodes.second, "[\"on\"]")
    #expect(stream.receive { stream.text.contains("a[\"on\"]\n") })
  }

  @Test func `a client that goes from another node ends its session`() throws {
    let nodes = try SockJSNodes()
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    let stream = nodes.begin("/s/000/abc/xhr_streaming", on: nodes.second)
    stream.receive { stream.text.contains("hhhh") }
    stream.close()
    #expect(nodes.first.server.turn { nodes.first.application.events == ["opened", "closed"] })
    let next = nodes.post("/s/000/abc/xhr", to: nodes.second)
    #expect(next?.body == "c[1002,\"Connection interrupted\"]\n")
  }

  @Test func `a frame lost between the nodes ends the session and leaves no hole`() throws {
    let nodes = try SockJSNodes()
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    let stream = nodes.begin("/s/000/abc/xhr_streaming", on: nodes.second)
    stream.receive { stream.text.contains("hhhh") }
    nodes.bus.lose([true])
    _ = nodes.post("/s/000/abc/xhr_send", to: nodes.first, "[\"lost\"]")
    _ = nodes.post("/s/000/abc/xhr_send", to: nodes.first, "[\"found\"]")
    #expect(stream.receivesEnd() || stream.wasReset)
    #expect(!stream.text.contains("found"))
    #expect(nodes.first.server.turn { nodes.first.application.events.last == "closed" })
  }

  @Test func `what the bus brings twice takes effect once`() throws {
    let nodes = try SockJSNodes()
    nodes.bus.doubleAll()
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    for word in ["one", "two"] {
      #expect(nodes.post("/s/000/abc/xhr_send", to: nodes.second, "[\"\(word)\"]")?.status == 204)
      #expect(nodes.post("/s/000/abc/xhr", to: nodes.second)?.body == "a[\"\(word)\"]\n")
    }
    let stream = nodes.begin("/s/000/abc/xhr_streaming", on: nodes.second)
    stream.receive { stream.text.contains("hhhh") }
    for word in ["three", "four"] {
      _ = nodes.post("/s/000/abc/xhr_send", to: nodes.second, "[\"\(word)\"]")
      #expect(stream.receive { stream.text.contains("a[\"\(word)\"]\n") })
    }
    nodes.first.server.settle()
    #expect(nodes.first.application.events == ["opened", "one", "two", "three", "four"])
    #expect(!stream.hasEnded && !stream.wasReset)
  }

  @Test func `a session that loses its receiver's node tells the receiver`() throws {
    let nodes = try SockJSNodes()
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    let stream = nodes.begin("/s/000/abc/xhr_streaming", on: nodes.second)
    stream.receive { stream.text.contains("hhhh") }
    nodes.first.sockJS.nodeLost(nodes.second.id)
    #expect(stream.receivesEnd() || stream.wasReset)
  }

  @Test func `a connection whose request is answered at once and was its last ends in time`() throws
  {
    let nodes = try SockJSNodes()
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    let client = TestClient(to: nodes.first.server)
    client.send(
      client.request(
        "/s/000/abc/xhr_send", method: "POST", ["Content-Length: 5", "Connection: close"])
        + "[\"x\"]")
    #expect(client.response()?.status == 204)
    nodes.first.server.pass(.seconds(6))
    #expect(nodes.first.server.worker.counters.connections == 0)
  }

  @Test func `what waits for a node that ends is ended`() throws {
    let nodes = try SockJSNodes()
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    let stream = nodes.begin("/s/000/abc/xhr_streaming", on: nodes.second)
    stream.receive { stream.text.contains("hhhh") }
    nodes.second.sockJS.nodeLost(nodes.first.id)
    #expect(stream.receivesEnd() || stream.wasReset)
    // And the other way round.
    _ = nodes.post("/s/000/def/xhr", to: nodes.first)
    let poll = nodes.begin("/s/000/def/xhr", on: nodes.second)
    nodes.second.server.settle()
    nodes.first.sockJS.nodeLost(nodes.second.id)
    #expect(nodes.first.application.events.last == "closed")
    poll.close()
  }

  @Test func `a question that the bus loses is given up`() throws {
    let nodes = try SockJSNodes()
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    nodes.bus.lose([true])
    let client = nodes.begin("/s/000/abc/xhr_send", on: nodes.second, "[\"x\"]")
    nodes.second.server.settle()
    #expect(client.text == "")
    for _ in 0..<5 { nodes.second.server.pass(.seconds(5)) }
    #expect(client.response()?.status == 503)
  }

  @Test func `the sessions of one address are counted, wherever its requests come in`() throws {
    let nodes = try SockJSNodes(sessionsPerAddressMax: 2)
    func open(_ name: String, from address: String) -> Int? {
      let client = TestClient(to: nodes.first.server)
      let fields = ["Content-Length: 0", "X-Forwarded-For: \(address)"]
      client.send(client.request("/s/000/\(name)/xhr", method: "POST", fields))
      return client.chunkedResponse()?.status
    }
    #expect(open("a", from: "203.0.113.9") == 200)
    #expect(open("b", from: "203.0.113.9") == 200)
    #expect(open("c", from: "203.0.113.9") == 503)
    #expect(open("c", from: "203.0.113.10") == 200)
    nodes.first.server.pass(.seconds(6))
    #expect(nodes.first.sockJS.figures.sessions == 0)
    #expect(open("d", from: "203.0.113.9") == 200)
  }

  @Test func `a session that is forgotten may be opened elsewhere`() throws {
    let nodes = try SockJSNodes()
    _ = nodes.post("/s/000/abc/xhr", to: nodes.first)
    nodes.first.server.pass(.seconds(6))
    #expect(nodes.first.sockJS.figures.sessions == 0)
    #expect(nodes.first.application.events == ["opened", "closed"])
    #expect(nodes.post("/s/000/abc/xhr", to: nodes.second)?.body == "o\n")
    #expect(nodes.second.application.events == ["opened"])
  }
}
