import Bytes
import Testing

@testable import chat_bench

@Suite struct PayloadTests {
  private let payload = Payload(sender: "ab12cde-a17", number: 123_456, stamp: 9_876_543_210)

  private func text(size: Int) -> [UInt8] {
    var buffer = ByteBuffer()
    buffer.append("before")
    payload.append(to: &buffer, size: size)
    return Array(buffer.bytes.dropFirst(6))
  }

  private func read(_ text: [UInt8], size: Int) -> Payload? {
    text.withUnsafeBytes { Payload($0, size: size) }
  }

  @Test(arguments: [64, 65, 1_000, 16_373])
  func `reads what it wrote`(size: Int) {
    #expect(text(size: size).count == size)
    #expect(read(text(size: size), size: size) == payload)
  }

  @Test func `fits the longest sender and number into the smallest text`() {
    let payload = Payload(
      sender: String(repeating: "x", count: Payload.senderBytesMax), number: 9_999_999_999,
      stamp: 999_999_999_999_999)
    var buffer = ByteBuffer()
    payload.append(to: &buffer, size: Payload.textBytesMin)
    #expect(buffer.count == Payload.textBytesMin)
    #expect(Payload(buffer.bytes, size: Payload.textBytesMin) == payload)
  }

  @Test func `sees every changed byte`() {
    let good = text(size: 80)
    for index in good.indices {
      for byte in [good[index] ^ 1, UInt8(ascii: " "), 0] where byte != good[index] {
        var bad = good
        bad[index] = byte
        #expect(read(bad, size: 80) == nil, "byte \(index) as \(byte)")
      }
    }
  }

  @Test func `sees a text that is cut or longer`() {
    let good = text(size: 80)
    #expect(read(Array(good.dropLast()), size: 80) == nil)
    #expect(read(Array(good.dropLast()), size: 79) == nil)
    #expect(read(good + [good[79]], size: 81) == nil)
    #expect(read([], size: 0) == nil)
  }
}
