import Bytes
import Testing

@testable import chat_bench

@Suite struct RoomMessageTests {
  private let payload = Payload(sender: "ab12cde-s", number: 7, stamp: 9_876_543_210)

  private func frame(size: Int = 100) -> [UInt8] {
    var buffer = ByteBuffer()
    buffer.append(##"{"type":"msg","conv":"#ab12cde","seq":108,"from":"@ab12cde-s""##)
    buffer.append(#","body":{"text":""#)
    payload.append(to: &buffer, size: size)
    buffer.append(#""}}"#)
    return Array(buffer.bytes)
  }

  private func read(_ frame: [UInt8]) -> RoomMessage? {
    frame.withUnsafeBytes { RoomMessage($0, size: 100) }
  }

  @Test func `reads a message`() throws {
    let message = try #require(read(frame()))
    #expect(message.sequence == 108)
    #expect(message.payload == payload)
  }

  @Test func `takes no other frame and no other text for one`() {
    let written = String(decoding: frame(), as: UTF8.self)
    #expect(read(frame(size: 101)) == nil)
    #expect(read(Array(written.replacing(#""msg""#, with: #""ack""#).utf8)) == nil)
    #expect(read(Array(written.replacing(" 7 ", with: " 8 ").utf8)) == nil)
    #expect(read([]) == nil)
  }

  @Test func `knows the same bytes again, and sees every changed one`() throws {
    let written = frame()
    let message = try #require(read(written))
    #expect(written.withUnsafeBytes { message.isWritten(in: $0) })
    for index in written.indices {
      var other = written
      other[index] ^= 1
      #expect(!other.withUnsafeBytes { message.isWritten(in: $0) }, "byte \(index)")
    }
    #expect(!written.dropLast().withUnsafeBytes { message.isWritten(in: $0) })
  }
}
