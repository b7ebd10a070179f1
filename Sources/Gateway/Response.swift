import Bytes
import ChatProtocol
package import HTTP1

/// A whole response with a short body.
package struct Response: Sendable {
  package var status: Status
  package var fields: [ResponseField]
  package var body: String

  package init(_ status: Status, fields: [ResponseField] = [], contentType: String, _ body: String)
  {
    self.status = status
    self.fields = [ResponseField("Content-Type", contentType)] + fields
    self.body = body
  }

  /// With fields that say what the body is, if it has one.
  package init(_ status: Status, allFields fields: [ResponseField], body: String) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// Plain text.
  package static func text(
    _ status: Status, _ body: String, fields: [ResponseField] = []
  ) -> Response {
    // What a client's mistake is answered with is nothing to be guessed a type of.
    let fields = fields + [ResponseField("X-Content-Type-Options", "nosniff")]
    return Response(status, fields: fields, contentType: "text/plain; charset=utf-8", body)
  }

  /// An error of the REST interface, as chat.v1 writes it.
  static func json(_ code: ErrorCode, _ message: String) -> Response {
    let event = Event.error(nil, code, message: message, retryAfterMilliseconds: nil)
    return json(Status(code)) { event.encode(into: &$0) }
  }

  /// An error as Spring's clients read it.
  static func spring(_ code: ErrorCode, _ message: String) -> Response {
    json(Status(code)) {
      SpringMessage.encode(code, message, retryAfterMilliseconds: nil, into: &$0)
    }
  }

  private static func json(
    _ status: Status, encoding body: (inout ByteBuffer) -> Void
  ) -> Response {
    Response(
      status, contentType: "application/json",
      String(decoding: [UInt8](encoding: body), as: UTF8.self))
  }

  /// The answer of `/readyz`.
  package static func readiness(_ isReady: Bool) -> Response {
    isReady ? .text(.ok, "ok\n") : .text(.serviceUnavailable, "not ready\n")
  }

  /// The answer to whoever has `connectionsPerAddressMax` connections already, or begins sessions too
  /// often.
  static let tooManyConnections = plain(
    .tooManyRequests, fields: [ResponseField("Retry-After", "30")])

  /// The status' own words, as text.
  package static func plain(_ status: Status, fields: [ResponseField] = []) -> Response {
    .text(status, "\(status.reason)\n", fields: fields)
  }
}

extension Router {
  /// The route, or the answer to a request that has none.
  package func route(_ request: RequestHead) -> RouteResult<Route> {
    switch match(request) {
    case .found(let route): .found(route)
    case .notFound: .failed(.plain(.notFound))
    case .methodNotAllowed(let allow):
      .failed(.plain(.methodNotAllowed, fields: [ResponseField("Allow", allow.allow)]))
    }
  }
}

package enum RouteResult<Route> {
  case found(Route)
  case failed(Response)
}
