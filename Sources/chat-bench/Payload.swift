import Bytes

/// What a message's text says of itself: `sender number stamp checksum filler`.
///
/// The checksum is over everything else, so a text that was cut, mixed up or changed shows.
struct Payload: Equatable {
  static let textBytesMin = 64
  static let senderBytesMax = 20

  var sender: String
  var number: UInt64
  /// Nanoseconds since the start of the run.
  var stamp: UInt64

  init(sender: String, number: UInt64, stamp: UInt64) {
    self.sender = sender
    self.number = number
    self.stamp = stamp
  }

  /// Appends the text, in `size` bytes. The same payload always gives the same text.
  func append(to buffer: inout ByteBuffer, size: Int) {
    let start = buffer.count
    buffer.append(utf8: sender)
    buffer.append(UInt8(ascii: " "))
    buffer.append(decimal: number)
    buffer.append(UInt8(ascii: " "))
    buffer.append(decimal: stamp)
    buffer.append(UInt8(ascii: " "))
    let checksumStart = buffer.count
    buffer.append("00000000")
    let used = buffer.count - start
    let filler = UInt8(ascii: "a") + UInt8(number % 26)
    buffer.appendUninitialized(max(0, size - used)) {
      $0.initializeMemory(as: UInt8.self, repeating: filler, count: max(0, size - used))
    }
    let text = UnsafeMutableRawBufferPointer(rebasing: buffer.mutableBytes[start...])
    var checksum = Self.checksum(of: UnsafeRawBufferPointer(text))
    for digit in (0..<8).reversed() {
      text[checksumStart - start + digit] = Self.digits[Int(checksum & 0xF)]
      checksum >>= 4
    }
  }

  /// Nil if the text is not what `append` wrote, to the byte.
  init?(_ text: UnsafeRawBufferPointer, size: Int) {
    guard text.count == size else { return nil }
    var fields = text.split(separator: UInt8(ascii: " "), maxSplits: 3)[...]
    guard fields.count == 4,
      let number = UnsafeRawBufferPointer(rebasing: fields[1]).number,
      let stamp = UnsafeRawBufferPointer(rebasing: fields[2]).number
    else { return nil }
    sender = String(decoding: fields.removeFirst(), as: UTF8.self)
    self.number = number
    self.stamp = stamp
    var expected = ByteBuffer(minimumCapacity: size)
    append(to: &expected, size: size)
    guard expected.bytes.elementsEqual(text) else { return nil }
  }

  private static let digits = Array("0123456789abcdef".utf8)

  /// FNV-1a.
  private static func checksum(of text: UnsafeRawBufferPointer) -> UInt32 {
    var hash: UInt32 = 0x811C_9DC5
    for byte in text { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    return hash
  }
}
