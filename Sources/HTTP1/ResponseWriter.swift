package import Bytes

/// One header field of a response.
///
/// Control bytes in the value reach the wire as spaces, so that no value can end its line.
package struct ResponseField: Sendable {
  package let name: StaticString
  package let value: String

  package init(_ name: StaticString, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// Writes the response to one request.
///
/// Adds what frames the response: `Content-Length` or `Transfer-Encoding`, and `Connection`
/// where it differs from the version's habit. The other fields are the caller's, `Date` too.
package struct ResponseWriter: Sendable {
  private let version: RequestHead.Version
  private let isHead: Bool
  /// Whether the connection stays open behind the response; may be set to false before it.
  package var keepsAlive: Bool

  package init(answering head: RequestHead) {
    version = head.version
    isHead = head.method == .head
    keepsAlive = head.keepsAlive
  }

  /// Answers bytes that were no request; the connection closes behind it.
  package init(closing: Void = ()) {
    version = .http11
    isHead = false
    keepsAlive = false
  }

  /// Writes a whole response.
  package func write(
    _ status: Status, _ fields: [ResponseField] = [],
    body: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    to buffer: inout ByteBuffer
  ) {
    writeHead(status, fields, to: &buffer)
    if !status.isBodiless {
      buffer.append("Content-Length: ")
      buffer.append(decimal: UInt64(body.count))
      buffer.append("\r\n")
    }
    buffer.append("\r\n")
    if !status.isBodiless, !isHead { buffer.append(body) }
  }

  /// Begins a response whose length is not known yet; chunks follow, then `endChunks`.
  ///
  /// To a client of HTTP/1.0 the body ends with the connection: `keepsAlive` becomes false.
  package mutating func beginChunks(
    _ status: Status, _ fields: [ResponseField] = [], to buffer: inout ByteBuffer
  ) {
    precondition(!status.isBodiless, "a response without a body has no chunks")
    if version == .http10 { keepsAlive = false }
    writeHead(status, fields, to: &buffer)
    if version == .http11 { buffer.append("Transfer-Encoding: chunked\r\n") }
    buffer.append("\r\n")
  }

  /// Writes one chunk; nothing for no bytes, which would end the response.
  package func writeChunk(_ chunk: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
    guard !isHead, !chunk.isEmpty else { return }
    guard version == .http11 else { return buffer.append(chunk) }
    buffer.append(utf8: String(chunk.count, radix: 16))
    buffer.append("\r\n")
    buffer.append(chunk)
    buffer.append("\r\n")
  }

  package func endChunks(to buffer: inout ByteBuffer) {
    guard !isHead, version == .http11 else { return }
    buffer.append("0\r\n\r\n")
  }

  /// Tells a client that waits with its body to send it.
  package static func writeContinue(to buffer: inout ByteBuffer) {
    buffer.append("HTTP/1.1 100 Continue\r\n\r\n")
  }

  private func writeHead(
    _ status: Status, _ fields: [ResponseField], to buffer: inout ByteBuffer
  ) {
    buffer.append("HTTP/1.1 ")
    buffer.append(decimal: UInt64(status.code))
    buffer.append(ASCII.space)
    buffer.append(status.reason)
    buffer.append("\r\n")
    for field in fields { buffer.append(field.name, fieldValue: field.value) }
    guard status != .switchingProtocols else { return }
    if !keepsAlive {
      buffer.append("Connection: close\r\n")
    } else if version == .http10 {
      buffer.append("Connection: keep-alive\r\n")
    }
  }
}

extension ByteBuffer {
  /// Appends one field line; control bytes in the value become spaces.
  package mutating func append(_ name: StaticString, fieldValue value: String) {
    append(name)
    append(": ")
    for byte in value.utf8 { append(ASCII.isControl(byte) ? ASCII.space : byte) }
    append("\r\n")
  }
}
