package import HTTP1

/// Why a payload is refused; the session goes on.
package enum SockJSPayloadError: Error, Hashable, Sendable {
  /// Nothing came, or JSON that is no array.
  case payloadExpected
  /// Not JSON, not UTF-8, or an array of other things than strings.
  case brokenEncoding
  /// More messages or bytes than the limits allow.
  case tooLarge

  package var status: Status {
    switch self {
    case .payloadExpected, .brokenEncoding: .internalServerError
    case .tooLarge: .contentTooLarge
    }
  }

  /// The body of the response, in the words that clients know.
  package var text: String {
    switch self {
    case .payloadExpected: "Payload expected."
    case .brokenEncoding: "Broken JSON encoding."
    case .tooLarge: "Payload too large."
    }
  }
}

/// The messages that one request or WebSocket message carried, decoded.
package struct SockJSPayload: Sendable {
  /// The messages one behind the other.
  private var bytes: [UInt8] = []
  /// The offset behind each message.
  private var ends: [Int] = []

  /// Decodes a body of `xhrSend` or `jsonpSend`, or a message of `websocket`.
  ///
  /// A WebSocket message may also be one string, or nothing. The body of `jsonpSend` is a form's
  /// field `d` when `contentType` says so.
  package init(
    _ body: UnsafeRawBufferPointer, contentType: String?, over transport: SockJSTransport,
    limits: SockJSLimits
  ) throws(SockJSPayloadError) {
    throw .payloadExpected
  }

  package var count: Int { ends.count }

  /// Gives each message to `use`, in order; the bytes are valid UTF-8, and there during the call.
  package func forEach(_ use: (UnsafeRawBufferPointer) -> Void) {
  }
}
