/// Looks for a client's hello that is announced longer than anybody's, before OpenSSL sees it.
///
/// OpenSSL takes hellos of up to 128 KiB, cannot be told to take less, and claims the memory for one
/// as soon as its header has come: nine bytes would cost 150 KB. Headers of records (RFC 8446 section
/// 5.1) and of messages in them (section 4) are read however they are cut; all else is skipped, and
/// what is wrong with it is left to OpenSSL.
struct HelloGuard {
  /// Real ones have up to 2 KiB, most of it the key of a post-quantum group or a ticket.
  static let helloBytesMax = 16 * 1024

  private static let handshakeRecord: UInt8 = 22
  private static let clientHello: UInt8 = 1
  private static let recordHeaderBytes = 5
  private static let messageHeaderBytes = 4

  /// The bytes of a header that have come, as a number.
  private struct Header {
    var value: UInt64 = 0
    var count = 0

    /// The whole header, and ready for the next; nil when more of it is due.
    mutating func take(_ byte: UInt8, of size: Int) -> UInt64? {
      value = value << 8 | UInt64(byte)
      count += 1
      guard count == size else { return nil }
      defer { self = Header() }
      return value
    }
  }

  private var recordHeader = Header()
  private var isHandshake = false
  /// Of the record whose header was read last.
  private var recordBytesLeft = 0
  private var messageHeader = Header()
  /// Of the message whose header was read last.
  private var messageBytesLeft = 0

  /// Looks at what has come; false when the connection is to be given up.
  mutating func accepts(_ input: UnsafeRawBufferPointer) -> Bool {
    var offset = 0
    while offset < input.count {
      let skipped = min(skippable, input.count - offset)
      if skipped > 0 {
        skip(skipped)
        offset += skipped
        continue
      }
      let byte = input[offset]
      offset += 1
      if recordBytesLeft == 0 {
        takeOfRecordHeader(byte)
      } else if !takeOfMessageHeader(byte) {
        return false
      }
    }
    return true
  }

  /// Bytes that are no header of anything.
  private var skippable: Int {
    isHandshake ? min(recordBytesLeft, messageBytesLeft) : recordBytesLeft
  }

  private mutating func skip(_ count: Int) {
    recordBytesLeft -= count
    if isHandshake { messageBytesLeft -= count }
  }

  private mutating func takeOfRecordHeader(_ byte: UInt8) {
    guard let header = recordHeader.take(byte, of: Self.recordHeaderBytes) else { return }
    isHandshake = UInt8(truncatingIfNeeded: header >> 32) == Self.handshakeRecord
    recordBytesLeft = Int(header & 0xFFFF)
  }

  private mutating func takeOfMessageHeader(_ byte: UInt8) -> Bool {
    recordBytesLeft -= 1
    guard let header = messageHeader.take(byte, of: Self.messageHeaderBytes) else { return true }
    messageBytesLeft = Int(header & 0xFF_FFFF)
    let isHello = UInt8(truncatingIfNeeded: header >> 24) == Self.clientHello
    return !isHello || messageBytesLeft <= Self.helloBytesMax
  }
}
