/// A response's status and header fields, as a client reads them.
package struct ResponseHead: Sendable {
  package let statusCode: UInt16
  package let headers: Headers

  /// Takes lines that each end in CR LF, status line first; RFC 9112, section 4.
  init(lines bytes: [UInt8]) throws(RequestError) {
    let line = bytes.prefix { $0 != UInt8(ascii: "\r") }
    let code = line.dropFirst(9).prefix(3)
    guard line.starts(with: "HTTP/1.1 ".utf8) || line.starts(with: "HTTP/1.0 ".utf8),
      code.count == 3, let number = UInt16(String(decoding: code, as: UTF8.self)), number >= 100,
      line.dropFirst(12).first ?? UInt8(ascii: " ") == UInt8(ascii: " ")
    else { throw .badRequest(.requestLine) }
    statusCode = number
    headers = try Headers(lines: bytes, from: line.endIndex + 2)
  }
}

/// The peer's bytes are no response head within the limits.
package struct MalformedResponse: Error {}

/// Reads one response head; the body is the caller's.
package struct ResponseHeadParser: Sendable {
  private var scanner = HeadScanner()

  package init() {}

  /// Takes the head out of `input` from `offset` on; nil when the input is used up.
  package mutating func next(
    in input: UnsafeRawBufferPointer, at offset: inout Int
  ) throws(MalformedResponse) -> ResponseHead? {
    do {
      guard let lines = try scanner.next(in: input, at: &offset, limits: RequestLimits()) else {
        return nil
      }
      return try ResponseHead(lines: lines)
    } catch {
      throw MalformedResponse()
    }
  }
}
