package import HTTP1
package import WebSocket

/// One service under a prefix: what it allows, and what each request to it asks for.
///
/// Knows no sessions and no connections: it says what their owner is to do.
package struct SockJSService: Sendable {
  /// Whose pages may come; the server's own must be named too. A request of another page gets 403
  /// and no CORS field.
  package var origins = OriginPolicy.any
  /// What else there is, is not found. `jsonp` and `htmlFile` answer scripts of pages that they
  /// cannot know, so they are not among these.
  package var transports: Set<SockJSTransport> = [
    .websocket, .xhr, .xhrStreaming, .xhrSend, .eventSource,
  ]
  /// Whether session requests carry the cookie `JSESSIONID`, which some load balancers need to be
  /// sticky.
  package var needsCookie = false
  /// Where iframes load the client's script from: an absolute path or URL.
  package let scriptURL: String
  package var limits = SockJSLimits()

  package init(scriptURL: String) { self.scriptURL = scriptURL }

  /// What to do with a request, whose body is still to come.
  ///
  /// - Parameters:
  ///   - suffix: The part of its path behind the service's prefix, as it came.
  ///   - entropy: A random number, new for each call, from which browsers seed theirs.
  package func action(
    for request: RequestHead, suffix: ArraySlice<UInt8>, entropy: () -> UInt32
  ) -> SockJSAction {
    guard let route = SockJSRoute(suffix) else { return .respond(.notFound) }
    let methods: MethodSet
    switch route {
    case .greeting, .iframe: methods = .get
    case .info: methods = [.get, .options]
    case .rawWebSocket: methods = SockJSTransport.websocket.methods
    case .session(_, _, let transport): methods = transport.methods
    }
    guard isOn(route) else { return .respond(.notFound) }
    guard methods.contains(MethodSet(request.method)) else {
      return .respond(SockJSResponse(.methodNotAllowed, [ResponseField("Allow", methods.allow)]))
    }
    switch route {
    case .greeting: return .respond(SockJSResponse(.ok, text: "Welcome to SockJS!\n"))
    case .iframe: return .respond(iframe(for: request))
    // The handshake checks the Origin itself.
    case .rawWebSocket: return .upgrade(isFramed: false)
    case .session(_, _, .websocket): return .upgrade(isFramed: true)
    case .info, .session: break
    }
    guard origins.allows(request) else {
      return .respond(SockJSResponse(.forbidden, [.varyOrigin], text: "403 Error: Origin\n"))
    }
    if request.method == .options {
      return .respond(preflight(for: request, route: route, methods: methods))
    }
    guard case .session(_, let session, let transport) = route else {
      return .respond(info(for: request, entropy: entropy()))
    }
    return sessionAction(for: request, session, transport)
  }

  /// How many bytes of its body a request may bring; nil for one whose body means nothing, because
  /// of what it asks for or because it will be refused. `suffix` as for `action`.
  package func bodyBytesMax(of request: RequestHead, suffix: ArraySlice<UInt8>) -> Int? {
    guard request.method == .post, case .session(_, _, let transport)? = SockJSRoute(suffix),
      transport == .xhrSend || transport == .jsonpSend, transports.contains(transport),
      origins.allows(request)
    else { return nil }
    return limits.payloadBytesMax
  }

  private func isOn(_ route: SockJSRoute) -> Bool {
    switch route {
    case .greeting, .info, .iframe: true
    case .rawWebSocket: transports.contains(.websocket)
    case .session(_, _, let transport): transports.contains(transport)
    }
  }

  // MARK: Sessions

  private func sessionAction(
    for request: RequestHead, _ session: String, _ transport: SockJSTransport
  ) -> SockJSAction {
    let fields = sessionFields(for: request, transport)
    let receiver: SockJSReceiver
    switch transport {
    case .websocket: return .upgrade(isFramed: true)
    case .xhrSend, .jsonpSend:
      return .send(
        SockJSSend(
          session: session, transport: transport, contentType: request.headers["content-type"],
          fields: fields))
    case .xhr: receiver = .xhr
    case .xhrStreaming: receiver = .xhrStreaming
    case .eventSource: receiver = .eventSource
    case .htmlFile, .jsonp:
      guard let name = request.target.parameter("c") ?? request.target.parameter("callback") else {
        return .respond(Self.callbackRefused(#""callback" parameter required"#))
      }
      guard let callback = SockJSCallback(name) else {
        return .respond(Self.callbackRefused(#"invalid "callback" parameter"#))
      }
      receiver = transport == .jsonp ? .jsonp(callback) : .htmlFile(callback)
    }
    return .receive(SockJSReceive(session: session, receiver: receiver, fields: fields))
  }

  private static func callbackRefused(_ text: String) -> SockJSResponse {
    SockJSResponse(.internalServerError, [.notCached, .noSniffing], text: text)
  }

  private func sessionFields(
    for request: RequestHead, _ transport: SockJSTransport
  ) -> [ResponseField] {
    var fields: [ResponseField] = [.notCached]
    if let type = transport.contentType { fields.append(ResponseField("Content-Type", type)) }
    if transport.isCrossOrigin { fields += crossOriginFields(for: request) }
    if needsCookie { fields.append(SessionCookie(request).field) }
    switch transport {
    // Scripts and pages of ours, which nobody is to take for anything else.
    case .jsonp: fields.append(.noSniffing)
    case .htmlFile: fields += [.noSniffing] + framingFields
    case .websocket, .xhr, .xhrStreaming, .xhrSend, .eventSource, .jsonpSend: break
    }
    return fields
  }

  // MARK: The rest

  private func info(for request: RequestHead, entropy: UInt32) -> SockJSResponse {
    let body =
      #"{"websocket":\#(transports.contains(.websocket)),"origins":["*:*"],"#
      + #""cookie_needed":\#(needsCookie),"entropy":\#(entropy)}"#
    return SockJSResponse(
      .ok,
      [ResponseField("Content-Type", "application/json; charset=UTF-8"), .notCached]
        + crossOriginFields(for: request),
      body: body)
  }

  /// The answer to a browser that asks before it sends a request of another Origin.
  private func preflight(
    for request: RequestHead, route: SockJSRoute, methods: MethodSet
  ) -> SockJSResponse {
    var fields = ResponseField.cachedForAYear + crossOriginFields(for: request)
    // HEAD is no method that needs a preflight.
    fields.append(
      ResponseField(
        "Access-Control-Allow-Methods", methods.contains(.post) ? "OPTIONS, POST" : "OPTIONS, GET"))
    fields.append(ResponseField("Access-Control-Max-Age", "\(ResponseField.yearSeconds)"))
    if case .session = route, needsCookie { fields.append(SessionCookie(request).field) }
    return SockJSResponse(.noContent, fields)
  }

  private func iframe(for request: RequestHead) -> SockJSResponse {
    let page = IframePage(scriptURL: scriptURL)
    let fields =
      [ResponseField("ETag", page.entityTag)] + ResponseField.cachedForAYear + framingFields
    guard !page.isHeld(by: request) else { return SockJSResponse(.notModified, fields) }
    return SockJSResponse(
      .ok, [ResponseField("Content-Type", "text/html; charset=UTF-8"), .noSniffing] + fields,
      body: page.text)
  }
}
