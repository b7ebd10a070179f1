import Bytes
package import HTTP1
import JSON

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
  /// field `d` when `contentType` says so. All messages are good, or none is taken.
  package init(
    _ body: UnsafeRawBufferPointer, contentType: String? = nil, over transport: SockJSTransport,
    limits: SockJSLimits
  ) throws(SockJSPayloadError) {
    guard body.count <= limits.payloadBytesMax else { throw .tooLarge }
    if transport == .websocket {
      if !body.isEmpty { try decode(body, takesString: true, limits) }
    } else if transport == .jsonpSend, FormField.isForm(contentType) {
      let field = try FormField("d", in: body)
      try field.value.withUnsafeBufferPointer { (json) throws(SockJSPayloadError) in
        try decode(UnsafeRawBufferPointer(json), takesString: false, limits)
      }
    } else {
      try decode(body, takesString: false, limits)
    }
  }

  package var count: Int { ends.count }

  /// Gives each message to `use`, in order; the bytes are valid UTF-8, and there during the call.
  package func withEach(_ use: (UnsafeRawBufferPointer) -> Void) {
    bytes.withUnsafeBytes { bytes in
      var start = 0
      for end in ends {
        use(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        start = end
      }
    }
  }

  // MARK: Decoding

  private mutating func decode(
    _ json: UnsafeRawBufferPointer, takesString: Bool, _ limits: SockJSLimits
  ) throws(SockJSPayloadError) {
    guard !json.isEmpty else { throw .payloadExpected }
    guard UTF8Validator.isValid(json) else { throw .brokenEncoding }
    bytes.reserveCapacity(json.count)
    var scanner = JSONScanner(json)
    scanner.skipWhitespace()
    switch scanner.current {
    case UInt8(ascii: "["):
      try decodeArray(&scanner, messagesMax: limits.messagesMax)
      try finish(&scanner)
    case UInt8(ascii: "\"") where takesString:
      try decodeMessage(&scanner)
      try finish(&scanner)
    default:
      try skipValue(&scanner)
      try finish(&scanner)
      throw .payloadExpected
    }
  }

  private mutating func decodeArray(
    _ scanner: inout JSONScanner, messagesMax: Int
  ) throws(SockJSPayloadError) {
    scanner.at += 1
    scanner.skipWhitespace()
    if scanner.current == UInt8(ascii: "]") {
      scanner.at += 1
      return
    }
    while true {
      guard ends.count < messagesMax else { throw .tooLarge }
      try decodeMessage(&scanner)
      scanner.skipWhitespace()
      let next = scanner.current
      guard next == UInt8(ascii: ",") || next == UInt8(ascii: "]") else { throw .brokenEncoding }
      scanner.at += 1
      if next == UInt8(ascii: "]") { return }
      scanner.skipWhitespace()
    }
  }

  private mutating func decodeMessage(
    _ scanner: inout JSONScanner
  ) throws(SockJSPayloadError) {
    do throws(JSONError) {
      scanner.appendContent(of: try scanner.string(), to: &bytes)
    } catch {
      throw .brokenEncoding
    }
    ends.append(bytes.count)
  }
}

private func skipValue(_ scanner: inout JSONScanner) throws(SockJSPayloadError) {
  do throws(JSONError) {
    _ = try scanner.value(depth: 0)
  } catch {
    throw .brokenEncoding
  }
}

private func finish(_ scanner: inout JSONScanner) throws(SockJSPayloadError) {
  do throws(JSONError) {
    try scanner.finish()
  } catch {
    throw .brokenEncoding
  }
}
