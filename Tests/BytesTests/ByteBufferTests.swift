import Bytes
import Testing

@Suite struct ByteBufferTests {
  @Test(arguments: [0, 9, 10, 99, 100, 12_345_678_901, UInt64.max - 1, UInt64.max])
  func `writes every decimal as String does`(value: UInt64) {
    var buffer = ByteBuffer(minimumCapacity: 16)
    buffer.append(decimal: value)
    #expect(String(decoding: buffer.bytes, as: UTF8.self) == String(value))
  }

  @Test func `keeps its bytes when it grows`() {
    var buffer = ByteBuffer(minimumCapacity: 16)
    for byte in 0..<200 { buffer.append(UInt8(byte)) }
    buffer.append("tail")
    buffer.append(bigEndian: UInt16(0x1234))
    #expect(Array(buffer.bytes) == (0..<200).map { UInt8($0) } + Array("tail".utf8) + [0x12, 0x34])
  }

  @Test func `writes negative decimals`() {
    var buffer = ByteBuffer()
    buffer.append(decimal: Int64.min)
    #expect(String(decoding: buffer.bytes, as: UTF8.self) == String(Int64.min))
  }
}
