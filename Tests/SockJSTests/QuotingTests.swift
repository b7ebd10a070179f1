import Bytes
import Foundation
import SockJS
import Testing

private func quoted(_ message: String) -> String {
  message.withBytes { message in written { $0.appendQuoted(message) } }
}

@Suite struct QuotingTests {
  @Test func `escapes the characters of the protocol and no others`() throws {
    let ranges: [ClosedRange<UInt32>] = [
      0x00...0x1F, 0x200C...0x200F, 0x2028...0x202F, 0x2060...0x206F, 0xFFF0...0xFFFF,
    ]
    let short: [UInt32: String] = [
      0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: "\\\"", 0x5C: "\\\\",
    ]
    for value in UInt32(0)...0x1_0FFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let plain = String(Character(scalar))
      let long = "\\u" + String(repeating: "0", count: 4 - min(4, hex(value).count)) + hex(value)
      let isEscaped = ranges.contains { $0.contains(value) }
      let expected = short[value] ?? (isEscaped ? long : plain)
      #expect(quoted(plain) == "\"\(expected)\"", "U+\(hex(value))")
    }
  }

  @Test func `gives a message back to a reader of JSON`() throws {
    let messages = [
      "", "plain", "\"quotes\" and \\ backslashes", "{\"type\":\"send\",\"body\":{\"text\":\"é\"}}",
      "line\r\nbreak\u{0}\u{1F}\u{7F}", "\u{2028}\u{2029}\u{200B}\u{200C}", "😀\u{FFFD}\u{FFFF}",
      "\u{FEFF}\u{FFEF}\u{FFF0}", String(repeating: "x\n", count: 1000),
    ]
    for message in messages {
      let parsed = try JSONDecoder().decode([String].self, from: Data("[\(quoted(message))]".utf8))
      #expect(parsed == [message])
    }
  }

  @Test func `escapes at each place of a long message`() {
    for place in 0..<40 {
      let before = String(repeating: "a", count: place)
      let after = String(repeating: "b", count: 40 - place)
      #expect(quoted(before + "\u{2028}" + after) == "\"\(before)\\u2028\(after)\"")
    }
  }

  @Test func `stays within bytes that end in the middle of a character`() {
    for cut in [[0xE2], [0xE2, 0x80], [0xEF], [0xEF, 0xBF]] as [[UInt8]] {
      let bytes = cut.withUnsafeBytes { cut -> [UInt8] in
        var buffer = ByteBuffer()
        buffer.appendQuoted(cut)
        return Array(buffer.bytes)
      }
      #expect(bytes == [0x22] + cut + [0x22])
    }
  }

  private func hex(_ value: UInt32) -> String { String(value, radix: 16) }
}
