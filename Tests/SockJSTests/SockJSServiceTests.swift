import HTTP1
import SockJS
import Testing
import WebSocket

/// A response's fields by their names in lower case; a name twice is a failure.
private func fields(_ list: [ResponseField]) -> [String: String] {
  Dictionary(list.map { ("\($0.name)".lowercased(), $0.value) }) { first, second in
    Issue.record("twice: \(first) and \(second)")
    return first
  }
}

private let notCached = "no-store, no-cache, no-transform, must-revalidate, max-age=0"

@Suite struct SockJSServiceTests {
  private var service = SockJSService(scriptURL: "/sockjs.js")

  /// What the service says to a request for `suffix` behind its prefix.
  private func action(_ method: String, _ suffix: String, _ lines: String...) -> SockJSAction {
    let head = request(lines, "\(method) /echo\(suffix) HTTP/1.1")
    return service.action(for: head, suffix: head.target.path.dropFirst(5)) { 0xFFFF_FFFF }
  }

  private func request(_ lines: [String], _ first: String) -> RequestHead {
    SockJSTests.request(([first] + lines).joined(separator: "\r\n"))
  }

  private func response(_ action: SockJSAction) throws -> SockJSResponse {
    guard case .respond(let response) = action else {
      throw Unexpected(action: action)
    }
    return response
  }

  private func receive(_ action: SockJSAction) throws -> SockJSReceive {
    guard case .receive(let receive) = action else { throw Unexpected(action: action) }
    return receive
  }

  private func send(_ action: SockJSAction) throws -> SockJSSend {
    guard case .send(let send) = action else { throw Unexpected(action: action) }
    return send
  }

  private struct Unexpected: Error { let action: SockJSAction }

  private mutating func switchOnEverything() {
    service.transports = Set(SockJSTransport.allCases)
  }

  private mutating func allowOnly(_ origin: String) throws {
    service.origins = .only([try #require(Origin(origin))])
  }

  @Test mutating func `takes the bodies of requests that bring messages, and of no others`() throws
  {
    try allowOnly("https://a.example")
    func bytesMax(_ line: String, from origin: String = "https://a.example") -> Int? {
      let head = request(["Origin: \(origin)"], line + " HTTP/1.1")
      return service.bodyBytesMax(of: head, suffix: head.target.path.dropFirst(5))
    }
    #expect(bytesMax("POST /echo/0/s/xhr_send") == service.limits.payloadBytesMax)
    #expect(bytesMax("POST /echo/0/s/xhr_send", from: "https://b.example") == nil)
    for line in [
      "PUT /echo/0/s/xhr_send", "OPTIONS /echo/0/s/xhr_send", "POST /echo/0/s/xhr",
      "POST /echo/0/s/jsonp_send", "POST /echo/info", "POST /echo/0/s/t/xhr_send", "POST /echo",
    ] {
      #expect(bytesMax(line) == nil)
    }
    switchOnEverything()
    #expect(bytesMax("POST /echo/0/s/jsonp_send") == service.limits.payloadBytesMax)
  }

  // MARK: Pages

  @Test func `greets`() throws {
    for suffix in ["", "/", "?x=1"] {
      let greeting = try response(action("GET", suffix))
      #expect(greeting.status == .ok)
      #expect(greeting.body == "Welcome to SockJS!\n")
      #expect(fields(greeting.fields) == ["content-type": "text/plain; charset=UTF-8"])
    }
  }

  @Test func `says what it offers`() throws {
    let info = try response(action("GET", "/info"))
    #expect(
      info.body
        == #"{"websocket":true,"origins":["*:*"],"cookie_needed":false,"entropy":4294967295}"#)
    #expect(
      fields(info.fields) == [
        "content-type": "application/json; charset=UTF-8", "cache-control": notCached,
        "vary": "Origin", "access-control-allow-origin": "*",
      ])
    var other = self
    other.service.needsCookie = true
    other.service.transports.remove(.websocket)
    let second = try response(other.action("GET", "/info"))
    #expect(second.body.hasPrefix(#"{"websocket":false,"#))
    #expect(second.body.contains(#""cookie_needed":true,"#))
    #expect(fields(second.fields)["set-cookie"] == nil)
  }

  @Test func `serves the same page to every iframe until it changes`() throws {
    let page = try response(action("GET", "/iframe-1.6.1.html?t=1"))
    let headers = fields(page.fields)
    #expect(page.body.contains(#"<script src="/sockjs.js"></script>"#))
    #expect(headers["cache-control"] == "public, max-age=31536000")
    #expect(headers["expires"] != nil)
    #expect(headers["content-security-policy"] == nil)
    let tag = try #require(headers["etag"])
    for held in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
      let unchanged = try response(action("GET", "/iframe.html", "If-None-Match: \(held)"))
      #expect(unchanged.status == .notModified)
      #expect(unchanged.body == "" && fields(unchanged.fields)["content-type"] == nil)
    }
    let changed = try response(action("GET", "/iframe.html", "If-None-Match: \"x\""))
    #expect(changed.status == .ok)
    var other = self
    other.service = SockJSService(scriptURL: #"/"><script>&"#)
    let second = try response(other.action("GET", "/iframe.html"))
    #expect(fields(second.fields)["etag"] != tag)
    #expect(second.body.contains(#"src="/&quot;&gt;&lt;script&gt;&amp;""#))
  }

  @Test func `finds nothing else`() throws {
    for suffix in ["/a", "/a/a", "//a/xhr", "/a/a./xhr", "/chunking_test"] {
      let answer = try response(action("GET", suffix))
      #expect(answer.status == .notFound)
    }
  }

  // MARK: Methods and transports

  @Test mutating func `takes each transport's own methods`() throws {
    switchOnEverything()
    for transport in SockJSTransport.allCases {
      for method in ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"] {
        let answer = action(method, "/0/s/\(transport.name)?c=c")
        let isTaken: Bool
        switch transport {
        case .websocket, .eventSource, .htmlFile, .jsonp: isTaken = method == "GET"
        case .xhr, .xhrStreaming, .xhrSend: isTaken = method == "POST" || method == "OPTIONS"
        case .jsonpSend: isTaken = method == "POST"
        }
        if isTaken {
          if case .respond(let answer) = answer {
            #expect(method == "OPTIONS" && answer.status == .noContent, "\(transport)")
          }
        } else {
          let refusal = try response(answer)
          #expect(refusal.status == .methodNotAllowed)
          #expect(fields(refusal.fields) == ["allow": transport.methods.allow])
          #expect(refusal.body == "")
        }
      }
    }
  }

  @Test func `leaves scripts of unknown pages out unless switched on`() throws {
    for name in ["jsonp?c=c", "htmlfile?c=c"] {
      #expect(try response(action("GET", "/0/s/\(name)")).status == .notFound)
    }
    #expect(try response(action("POST", "/0/s/jsonp_send")).status == .notFound)
  }

  @Test func `does not find WebSockets that are switched off`() throws {
    var other = self
    other.service.transports.remove(.websocket)
    for suffix in ["/websocket", "/0/s/websocket"] {
      #expect(try response(other.action("GET", suffix)).status == .notFound)
    }
    guard case .upgrade(isFramed: false) = action("GET", "/websocket"),
      case .upgrade(isFramed: true) = action("GET", "/0/s/websocket")
    else {
      Issue.record("a WebSocket that is on is not offered")
      return
    }
  }

  // MARK: Sessions

  @Test mutating func `names the session and its receiver`() throws {
    switchOnEverything()
    let callback = try #require(SockJSCallback("_jp.a"))
    let table: [(String, String, SockJSReceiver, String)] = [
      ("POST", "xhr", .xhr, "application/javascript; charset=UTF-8"),
      ("POST", "xhr_streaming", .xhrStreaming, "application/javascript; charset=UTF-8"),
      ("GET", "eventsource", .eventSource, "text/event-stream"),
      ("GET", "htmlfile?c=%5fjp.a", .htmlFile(callback), "text/html; charset=UTF-8"),
      ("GET", "jsonp?x&callback=_jp.a", .jsonp(callback), "application/javascript; charset=UTF-8"),
    ]
    for (method, name, receiver, type) in table {
      let receive = try receive(action(method, "/000/s1/\(name)"))
      #expect(receive.session == "s1")
      #expect(receive.receiver == receiver)
      #expect(fields(receive.fields)["content-type"] == type)
      #expect(fields(receive.fields)["cache-control"] == notCached)
      #expect(fields(receive.fields)["set-cookie"] == nil)
    }
  }

  @Test mutating func `refuses scripts without a callback or with one that is none`() throws {
    switchOnEverything()
    for name in ["jsonp", "htmlfile"] {
      for query in ["", "?c", "?d=c", "?C=c", "?c=%zz"] {
        let answer = try response(action("GET", "/0/s/\(name)\(query)"))
        #expect(answer.status == .internalServerError)
        #expect(answer.body.contains(#""callback" parameter"#))
      }
      for value in ["%20", "*", "abc(", "abc%28", "a%0d%0ab", String(repeating: "c", count: 33)] {
        let answer = try response(action("GET", "/0/s/\(name)?c=\(value)"))
        #expect(answer.status == .internalServerError)
        #expect(answer.body == #"invalid "callback" parameter"#)
        #expect(fields(answer.fields)["content-type"] == "text/plain; charset=UTF-8")
      }
    }
  }

  @Test mutating func `answers what was sent`() throws {
    switchOnEverything()
    let xhr = try send(action("POST", "/0/s1/xhr_send", "Origin: http://a.example"))
    #expect(xhr.session == "s1")
    #expect(xhr.accepted.status == .noContent)
    #expect(xhr.accepted.body == "")
    #expect(fields(xhr.accepted.fields)["content-type"] == "text/plain; charset=UTF-8")
    #expect(fields(xhr.accepted.fields)["access-control-allow-origin"] == "http://a.example")
    #expect(xhr.unknownSession.status == .notFound)
    #expect(xhr.refused(.brokenEncoding).status == .internalServerError)
    #expect(xhr.refused(.brokenEncoding).body == "Broken JSON encoding.")
    let jsonp = try send(
      action("POST", "/0/s1/jsonp_send", "Content-Type: application/x-www-form-urlencoded"))
    #expect(jsonp.accepted.status == .ok)
    #expect(jsonp.accepted.body == "ok")
    #expect(jsonp.transport == .jsonpSend)
    #expect(jsonp.contentType == "application/x-www-form-urlencoded")
  }

  @Test func `sets the cookie again that a balancer chose`() throws {
    var other = self
    other.service.needsCookie = true
    let table: [(String, String)] = [
      ("X: y", "dummy"),
      ("Cookie: JSESSIONID=abcdef", "abcdef"),
      ("Cookie: a=b; JSESSIONID=abc.node1!2=; c=d", "abc.node1!2="),
      ("Cookie: a=b\r\nCookie: JSESSIONID=x", "x"),
      ("Cookie: jsessionid=x", "dummy"),
      ("Cookie: XJSESSIONID=x", "dummy"),
      ("Cookie: JSESSIONID=", "dummy"),
      ("Cookie: JSESSIONID", "dummy"),
      ("Cookie: JSESSIONID=a b", "dummy"),
      ("Cookie: JSESSIONID=\"x\"", "dummy"),
      ("Cookie: JSESSIONID=\(String(repeating: "x", count: 257))", "dummy"),
    ]
    for (line, value) in table {
      let receive = try other.receive(other.action("POST", "/0/s/xhr", line))
      #expect(fields(receive.fields)["set-cookie"] == "JSESSIONID=\(value); path=/", "\(line)")
    }
    let send = try other.send(other.action("POST", "/0/s/xhr_send"))
    #expect(fields(send.accepted.fields)["set-cookie"] == "JSESSIONID=dummy; path=/")
    let greeting = try other.response(other.action("GET", ""))
    #expect(fields(greeting.fields)["set-cookie"] == nil)
  }

  // MARK: Origins

  @Test func `lets an Origin that is allowed read with credentials`() throws {
    for origin in ["http://a.example", "null", "test"] {
      let receive = try receive(action("POST", "/0/s/xhr", "Origin: \(origin)"))
      let headers = fields(receive.fields)
      #expect(headers["access-control-allow-origin"] == origin)
      #expect(headers["access-control-allow-credentials"] == "true")
      #expect(headers["vary"] == "Origin")
    }
    let bare = try receive(action("POST", "/0/s/xhr"))
    #expect(fields(bare.fields)["access-control-allow-origin"] == "*")
    #expect(fields(bare.fields)["access-control-allow-credentials"] == nil)
  }

  @Test func `answers preflights so that they are kept for a year`() throws {
    for (suffix, methods) in [
      ("/info", "OPTIONS, GET"), ("/0/s/xhr", "OPTIONS, POST"),
      ("/0/s/xhr_streaming", "OPTIONS, POST"), ("/0/s/xhr_send", "OPTIONS, POST"),
    ] {
      let answer = try response(
        action(
          "OPTIONS", suffix, "Origin: test", "Access-Control-Request-Method: POST",
          "Access-Control-Request-Headers: a, b, c"))
      let headers = fields(answer.fields)
      #expect(answer.status == .noContent && answer.body == "")
      #expect(headers["access-control-allow-methods"] == methods)
      #expect(headers["access-control-allow-headers"] == "a, b, c")
      #expect(headers["access-control-allow-origin"] == "test")
      #expect(headers["access-control-max-age"] == "31536000")
      #expect(headers["cache-control"] == "public, max-age=31536000")
      #expect(headers["expires"] != nil)
    }
    let plain = try response(
      action("OPTIONS", "/info", "Origin: test", "Access-Control-Request-Headers:"))
    #expect(fields(plain.fields)["access-control-allow-headers"] == nil)
  }

  @Test mutating func `refuses other pages without a word of CORS`() throws {
    switchOnEverything()
    try allowOnly("https://chat.example.com")
    let foreign = [
      "https://chat.example.com.evil.example", "https://evil-chat.example.com", "null", "test",
      "http://chat.example.com", "https://chat.example.com:444", "https://chat.example.com,x",
    ]
    let requests = [
      ("GET", "/info"), ("OPTIONS", "/info"), ("POST", "/0/s/xhr"), ("OPTIONS", "/0/s/xhr"),
      ("POST", "/0/s/xhr_streaming"), ("POST", "/0/s/xhr_send"), ("GET", "/0/s/eventsource"),
      ("GET", "/0/s/jsonp?c=c"), ("GET", "/0/s/htmlfile?c=c"), ("POST", "/0/s/jsonp_send"),
    ]
    for origin in foreign {
      for (method, suffix) in requests {
        let answer = try response(action(method, suffix, "Origin: \(origin)"))
        #expect(answer.status == .forbidden, "\(origin) \(suffix)")
        #expect(!fields(answer.fields).keys.contains { $0.hasPrefix("access-control-") })
      }
    }
    let twice = try response(
      action("GET", "/info", "Origin: https://chat.example.com", "Origin: https://evil.example"))
    #expect(twice.status == .forbidden)
  }

  @Test mutating func `takes the pages it is told to and what is no page`() throws {
    switchOnEverything()
    try allowOnly("https://chat.example.com")
    let own = try receive(action("POST", "/0/s/xhr", "Origin: https://chat.example.com"))
    #expect(
      fields(own.fields)["access-control-allow-origin"] == "https://chat.example.com")
    _ = try receive(action("POST", "/0/s/xhr"))
  }

  @Test mutating func `lets only allowed pages hold its frames`() throws {
    switchOnEverything()
    try allowOnly("https://chat.example.com")
    let expected = "frame-ancestors 'self' https://chat.example.com:443"
    let iframe = try response(action("GET", "/iframe.html"))
    #expect(fields(iframe.fields)["content-security-policy"] == expected)
    let page = try receive(action("GET", "/0/s/htmlfile?c=c"))
    #expect(fields(page.fields)["content-security-policy"] == expected)
  }
}
