import Bytes
import Testing

@testable import HTTP1

@Suite struct ResponseWriterTests {
  private func writer(_ request: String) throws -> ResponseWriter {
    ResponseWriter(answering: try #require(Transcript(parsing: request).heads.first))
  }

  private func text(_ write: (inout ByteBuffer) -> Void) -> String {
    var buffer = ByteBuffer()
    write(&buffer)
    return String(decoding: buffer.bytes, as: UTF8.self)
  }

  private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test func `frames a whole response by its length`() throws {
    let writer = try writer(get)
    #expect(
      text { buffer in
        Array("hi".utf8).withUnsafeBytes {
          writer.write(.ok, [ResponseField("Server", "s")], body: $0, to: &buffer)
        }
      } == "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 2\r\n\r\nhi")
  }

  @Test(arguments: [
    ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
    (
      "GET / HTTP/1.0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
    ),
    (
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"
    ),
  ])
  func `follows the request's method and version`(request: String, response: String) throws {
    let writer = try writer(request)
    #expect(
      text { buffer in
        Array("hi".utf8).withUnsafeBytes { writer.write(.ok, body: $0, to: &buffer) }
      } == response)
  }

  @Test func `gives 204 and 304 no body and no length`() throws {
    let writer = try writer(get)
    #expect(text { writer.write(.noContent, to: &$0) } == "HTTP/1.1 204 No Content\r\n\r\n")
    #expect(
      text { buffer in
        Array("x".utf8).withUnsafeBytes { writer.write(.notModified, body: $0, to: &buffer) }
      } == "HTTP/1.1 304 Not Modified\r\n\r\n")
  }

  @Test func `lets no value end its line`() throws {
    let writer = try writer(get)
    let field = ResponseField("X", "a\r\nSet-Cookie: b\u{0}\n\r\u{7F}é")
    #expect(
      text { writer.write(.ok, [field], to: &$0) }
        == "HTTP/1.1 200 OK\r\nX: a  Set-Cookie: b    é\r\nContent-Length: 0\r\n\r\n")
  }

  @Test(arguments: [
    (
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
    ),
    (
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789abcdef"
    ),
    (
      "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
  ])
  func `writes chunks as the client's version has them`(request: String, response: String) throws {
    var writer = try writer(request)
    #expect(
      text { buffer in
        writer.beginChunks(.ok, to: &buffer)
        writer.writeChunk(UnsafeRawBufferPointer(start: nil, count: 0), to: &buffer)
        Array("0123456789abcdef".utf8).withUnsafeBytes { writer.writeChunk($0, to: &buffer) }
        writer.endChunks(to: &buffer)
      } == response)
  }

  @Test func `answers a method of no route with those that there are and closes`() {
    let error = RequestError.methodNotAllowed
    #expect(
      text { ResponseWriter().write(error.status, error.fields, to: &$0) }
        == "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST, OPTIONS\r\n"
        + "Connection: close\r\nContent-Length: 0\r\n\r\n")
  }
}
