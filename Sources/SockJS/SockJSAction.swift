package import HTTP1

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

/// A whole response. Its fields include `Content-Type` where it has one.
package struct SockJSResponse: Sendable {
  package let status: Status
  package let fields: [ResponseField]
  package let body: String

  init(_ status: Status, _ fields: [ResponseField] = [], body: String = "") {
    self.status = status
    self.fields = fields
    self.body = body
  }

  init(_ status: Status, _ fields: [ResponseField] = [], text: String) {
    self.init(status, [.plainText] + fields, body: text)
  }

  static let notFound = SockJSResponse(.notFound, text: "404 Error: Page not found\n")
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
  /// As the request has it, for who decodes its body.
  package let contentType: String?
  let fields: [ResponseField]

  package static let formType = "application/x-www-form-urlencoded"

  /// Whether the body is a form.
  package var isForm: Bool { FormField.isForm(contentType) }

  /// The messages were taken.
  package var accepted: SockJSResponse {
    // Behind a form, browsers have shown an error page for 204.
    transport == .jsonpSend
      ? SockJSResponse(.ok, fields, body: "ok") : SockJSResponse(.noContent, fields)
  }

  /// There is no open session of this name, or it is not this client's.
  package var unknownSession: SockJSResponse {
    SockJSResponse(.notFound, fields, body: SockJSResponse.notFound.body)
  }

  package func refused(_ error: SockJSPayloadError) -> SockJSResponse {
    SockJSResponse(error.status, fields, body: error.text)
  }
}
