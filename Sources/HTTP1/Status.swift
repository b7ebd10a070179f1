/// A response's status code; RFC 9110, section 15.
package struct Status: Hashable, Sendable {
  package let code: UInt16
  package let reason: StaticString

  /// Takes any code of three digits.
  package init(_ code: UInt16, _ reason: StaticString) {
    precondition(code >= 100 && code <= 999, "a status code has three digits")
    self.code = code
    self.reason = reason
  }

  package static func == (left: Status, right: Status) -> Bool { left.code == right.code }
  package func hash(into hasher: inout Hasher) { hasher.combine(code) }

  /// Whether a response with this status never has a body: 1xx, 204 and 304.
  package var isBodiless: Bool { code < 200 || code == 204 || code == 304 }

  package static let `continue` = Status(100, "Continue")
  package static let switchingProtocols = Status(101, "Switching Protocols")
  package static let ok = Status(200, "OK")
  package static let created = Status(201, "Created")
  package static let noContent = Status(204, "No Content")
  package static let notModified = Status(304, "Not Modified")
  package static let badRequest = Status(400, "Bad Request")
  package static let unauthorized = Status(401, "Unauthorized")
  package static let forbidden = Status(403, "Forbidden")
  package static let notFound = Status(404, "Not Found")
  package static let methodNotAllowed = Status(405, "Method Not Allowed")
  package static let conflict = Status(409, "Conflict")
  package static let requestTimeout = Status(408, "Request Timeout")
  package static let contentTooLarge = Status(413, "Content Too Large")
  package static let uriTooLong = Status(414, "URI Too Long")
  package static let expectationFailed = Status(417, "Expectation Failed")
  package static let upgradeRequired = Status(426, "Upgrade Required")
  package static let tooManyRequests = Status(429, "Too Many Requests")
  package static let requestHeaderFieldsTooLarge = Status(431, "Request Header Fields Too Large")
  package static let internalServerError = Status(500, "Internal Server Error")
  package static let notImplemented = Status(501, "Not Implemented")
  package static let serviceUnavailable = Status(503, "Service Unavailable")
  package static let httpVersionNotSupported = Status(505, "HTTP Version Not Supported")
}
