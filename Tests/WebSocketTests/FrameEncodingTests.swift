import Bytes
import Testing

@testable import WebSocket

@Suite struct FrameEncodingTests {
  private func bytes(_ write: (inout ByteBuffer) -> Void) -> [UInt8] {
    var buffer = ByteBuffer(minimumCapacity: 16)
    write(&buffer)
    return Array(buffer.bytes)
  }

  @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
  func `writes the shortest header`(length: Int) {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    let expected = Frame(opcode: 2, payload: payload, key: nil).bytes
    #expect(
      bytes { buffer in payload.withUnsafeBytes { buffer.appendFrame(.binary, $0) } } == expected)
  }

  @Test(arguments: [0, 1, 125, 126, 65_535, 65_536])
  func `writes the header of a payload that was encoded in place`(length: Int) {
    var buffer = ByteBuffer(minimumCapacity: 16)
    buffer.append("before")
    let reserved = buffer.reserveFrameHeader()
    for index in 0..<length { buffer.append(UInt8(truncatingIfNeeded: index)) }
    let frame = buffer.finishFrame(.text, reserved)
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    #expect(Array(buffer.bytes[frame]) == Frame(opcode: 1, payload: payload, key: nil).bytes)
    #expect(Array(buffer.bytes[..<6]) == Array("before".utf8))
  }

  @Test(arguments: [0, 1, 7, 8, 125, 126, 65_536])
  func `masks a client's frame`(length: Int) {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    let expected = Frame(opcode: 2, payload: payload).bytes
    let key = MaskingKey(littleEndian: 0x3D21_FA37)
    #expect(
      bytes { buffer in
        payload.withUnsafeBytes { buffer.appendFrame(.binary, $0, maskedWith: key) }
      } == expected)
  }

  @Test func `cuts a close reason at a character`() {
    #expect(bytes { $0.appendCloseFrame(nil) } == [0x88, 0])
    #expect(bytes { $0.appendCloseFrame(.normal) } == [0x88, 2, 0x03, 0xE8])
    #expect(
      bytes { $0.appendCloseFrame(CloseCode(4000), reason: "no") }
        == [0x88, 4, 0x0F, 0xA0, 0x6E, 0x6F])
    let long = bytes { $0.appendCloseFrame(.normal, reason: String(repeating: "€", count: 100)) }
    #expect(long[1] == 2 + 41 * 3)
    #expect(String(validating: long[4...], as: UTF8.self) != nil)
  }

  @Test(arguments: 0..<4)
  func `continues a key where the last part ended`(count: Int) {
    let key = MaskingKey(littleEndian: 0x4433_2211)
    var zeros = [UInt8](repeating: 0, count: 13)
    _ = zeros.withUnsafeMutableBytes { key.advanced(by: count).apply(to: $0) }
    #expect(zeros == (0..<13).map { [0x11, 0x22, 0x33, 0x44][($0 + count) % 4] })
  }

  @Test func `unmasks any length at any place and tells whether it was ASCII`() {
    let key = MaskingKey(littleEndian: 0xC433_2211)
    let keyBytes: [UInt8] = [0x11, 0x22, 0x33, 0xC4]
    for count in Array(0..<80) + Array(500..<530) + [4096, 16_384, 16_391] {
      for start in 0..<3 {
        // A single byte that is no ASCII, at each end and in the middle.
        for special in [nil, 0, count / 2, count - 1] as [Int?] where special ?? 0 < max(1, count) {
          var plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) & 0x7F }
          if let special, count > 0 { plain[special] = 0xE9 }
          let masked = plain.enumerated().map { $1 ^ keyBytes[$0 % 4] }
          var buffer = [UInt8](repeating: 0xAA, count: start) + masked + [0xBB]
          let high = buffer.withUnsafeMutableBytes {
            key.apply(to: UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + count]))
          }
          #expect((high == 0) == (special == nil || count == 0))
          #expect(buffer == [UInt8](repeating: 0xAA, count: start) + plain + [0xBB])
        }
      }
    }
  }
}
