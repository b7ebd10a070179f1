import Bytes
import HTTP1
import SockJS

/// The head of the one request in `lines`, which lack their line breaks.
func request(_ lines: String...) -> RequestHead {
  let text = (lines + ["Host: chat.example.com", "", ""]).joined(separator: "\r\n")
  var parser = RequestParser()
  var offset = 0
  let event = Array(text.utf8).withUnsafeBytes {
    try? parser.next(in: $0, at: &offset, limits: RequestLimits())
  }
  guard case .head(let head) = event else { fatalError("no request: \(lines)") }
  return head
}

/// What `write` appended to a buffer.
func written(_ write: (inout ByteBuffer) -> Void) -> String {
  var buffer = ByteBuffer()
  write(&buffer)
  return String(decoding: buffer.bytes, as: UTF8.self)
}

extension String {
  func withBytes<Result>(_ use: (UnsafeRawBufferPointer) -> Result) -> Result {
    Array(utf8).withUnsafeBytes { use($0) }
  }
}
