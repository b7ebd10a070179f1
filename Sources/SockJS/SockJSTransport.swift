package import HTTP1

/// The ways in which a session's messages travel, named as the last element of its path.
///
/// `websocket` goes both ways; of the others, some carry messages to the client and the `Send`
/// ones carry messages from it.
package enum SockJSTransport: String, CaseIterable, Sendable {
  case websocket
  case xhr
  case xhrStreaming = "xhr_streaming"
  case xhrSend = "xhr_send"
  case eventSource = "eventsource"
  case htmlFile = "htmlfile"
  case jsonp
  case jsonpSend = "jsonp_send"

  /// The path element.
  package var name: String { rawValue }

  /// The transport of a path element.
  init?(element: ArraySlice<UInt8>) {
    guard let found = Self.allCases.first(where: { element.elementsEqual($0.name.utf8) }) else {
      return nil
    }
    self = found
  }

  /// What a request may ask, as `Allow` lists it. HEAD is not among them: it would open a session
  /// and see nothing of it.
  package var methods: MethodSet {
    switch self {
    case .websocket, .eventSource, .htmlFile, .jsonp: MethodSet(.get)
    case .xhr, .xhrStreaming, .xhrSend: [MethodSet(.post), .options]
    case .jsonpSend: .post
    }
  }

  /// The `Content-Type` of a successful response; nil for a WebSocket, which has none.
  package var contentType: String? {
    switch self {
    case .websocket: nil
    case .xhr, .xhrStreaming, .jsonp: "application/javascript; charset=UTF-8"
    case .xhrSend, .jsonpSend: "text/plain; charset=UTF-8"
    // Always UTF-8: the type has no charset parameter.
    case .eventSource: "text/event-stream"
    case .htmlFile: "text/html; charset=UTF-8"
    }
  }

  /// Whether one response carries many frames, until the response limit.
  package var isStreaming: Bool {
    switch self {
    case .xhrStreaming, .eventSource, .htmlFile: true
    case .websocket, .xhr, .xhrSend, .jsonp, .jsonpSend: false
    }
  }

  /// Whether scripts of other Origins read the response, and so need CORS fields.
  var isCrossOrigin: Bool {
    switch self {
    case .xhr, .xhrStreaming, .xhrSend, .eventSource: true
    case .websocket, .htmlFile, .jsonp, .jsonpSend: false
    }
  }
}
