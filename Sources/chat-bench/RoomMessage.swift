import Glibc

/// A room's message with the text that it came in. Thousands of members get the same bytes one
/// after another, and only those of the first need to be read.
struct RoomMessage {
  let sequence: UInt64
  let payload: Payload
  private let text: [UInt8]

  /// Nil if the text is no message, or its own text not what `Payload` writes.
  init?(_ text: UnsafeRawBufferPointer, size: Int) {
    guard let frame = ServerFrame(text), frame.type == "msg", let sequence = frame.sequence,
      let payload = frame.text.flatMap({ Payload($0, size: size) })
    else { return nil }
    self.sequence = sequence
    self.payload = payload
    self.text = Array(text)
  }

  func isWritten(in other: UnsafeRawBufferPointer) -> Bool {
    guard other.count == text.count else { return false }
    return text.withUnsafeBytes { text in
      guard let first = text.baseAddress, let second = other.baseAddress else { return false }
      return memcmp(first, second, text.count) == 0
    }
  }
}
