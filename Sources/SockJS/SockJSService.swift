package import HTTP1
package import WebSocket

/// One service under a prefix: what it allows, and what each request to it asks for.
///
/// Knows no sessions and no connections: it says what their owner is to do.
package struct SockJSService: Sendable {
  /// Whose pages may come. A request of another page's gets 403 without any CORS field.
  package var origins = OriginPolicy.any
  /// Switched-off transports are not found. `jsonp` and `htmlFile` answer scripts of any Origin.
  package var transports: Set<SockJSTransport> = [
    .websocket, .xhr, .xhrStreaming, .xhrSend, .eventSource,
  ]
  /// Whether session requests carry `JSESSIONID`, by which some load balancers are sticky.
  package var needsCookie = false
  /// Where iframes load the client's script from: a path, or an absolute URL.
  package var scriptURL: String
  package var limits = SockJSLimits()

  package init(scriptURL: String) { self.scriptURL = scriptURL }

  /// What to do with a request, whose body is still to come.
  ///
  /// - Parameters:
  ///   - suffix: The part of its path behind the prefix, as it came.
  ///   - entropy: A random number, new for each request, from which browsers seed theirs.
  package func action(
    for request: RequestHead, suffix: ArraySlice<UInt8>, entropy: @autoclosure () -> UInt32
  ) -> SockJSAction {
    .respond(SockJSResponse(.notFound))
  }
}

/// What a service's owner is to do with a request.
package enum SockJSAction: Sendable {
  case respond(SockJSResponse)
  /// The WebSocket handshake decides. Frames are as `ByteBuffer.append(_: SockJSFrame)` writes
  /// them and payloads as `SockJSPayload` reads them; or, without `isFramed`, bare messages.
  case upgrade(isFramed: Bool)
  /// Attach the response to the session, which is a new one when there is none of this name.
  case receive(SockJSReceive)
  /// Read the body and give its messages to the session.
  case send(SockJSSend)
}

/// A request that receives frames.
package struct SockJSReceive: Sendable {
  package let session: String
  package let receiver: SockJSReceiver
  /// The fields of the response, whose status is 200 whatever the session says.
  package let fields: [ResponseField]
}

/// A request that sends messages.
package struct SockJSSend: Sendable {
  package let session: String
  package let transport: SockJSTransport
  package let contentType: String?
  let fields: [ResponseField]

  /// The messages were taken.
  package var accepted: SockJSResponse { SockJSResponse(.noContent, fields: fields) }

  /// There is no open session of this name, or it is not this client's.
  package var unknownSession: SockJSResponse { SockJSResponse(.notFound) }

  package func refused(_ error: SockJSPayloadError) -> SockJSResponse {
    SockJSResponse(error.status, fields: fields, body: error.text)
  }
}
