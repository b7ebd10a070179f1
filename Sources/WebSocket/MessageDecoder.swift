public import Bytes

/// Turns a peer's bytes into messages and control frames; RFC 6455, sections 5 and 8.1.
///
/// One per connection. A frame that arrived whole is unmasked and handed out where it lies. What
/// arrives in parts is gathered in a buffer that lives until the call after the message, so a
/// byte-by-byte peer costs linear time and an idle connection no memory. Violations are raised at
/// the first byte that makes them certain; what follows one is dropped.
///
/// Hold one `inout` access to it over all frames of a read: the exclusivity check of a class's
/// property costs more than decoding a frame of 64 bytes (20 ns and 10 ns).
@usableFromInline
package struct MessageDecoder: ~Copyable {
  /// Where in the stream the next byte lies.
  @usableFromInline
  enum Phase {
    /// Before a frame, with no message unfinished and no buffer held.
    case idle
    /// As idle or between the fragments, but the buffer's end is with the caller until now.
    case handedOut
    case firstByte, secondByte, extendedLength, maskingKey, payload
    /// Behind a violation: nothing that the peer sends has a meaning any more.
    case failed
  }

  @usableFromInline var phase = Phase.idle
  /// The mask bit of every frame, in its place in the second byte.
  @usableFromInline let expectedMaskBit: UInt8

  // Of the frame being read.
  var opcode = Opcode.continuation
  var isFinal = false
  var hasWideLength = false
  /// Bytes still due of the extended length or the key, whichever the phase says.
  var headerBytesDue: UInt8 = 0
  /// In the phase `extendedLength` the length as far as it was read.
  var payloadBytesDue: UInt64 = 0
  /// Turned so that its first byte is for the next one of the payload.
  var key = MaskingKey(littleEndian: 0)

  // Of the message being read.
  /// Text or binary; nil between messages.
  var messageOpcode: Opcode?
  var fragments = 0
  var validator = UTF8Validator()
  /// Payload bytes of the message in `gathered`; those of a control frame lie behind them.
  var messageBytes = 0
  var gathered: ByteBuffer?

  package init(role: Role) {
    expectedMaskBit = role == .server ? 0x80 : 0
  }

  /// Whether a message or a frame has begun and not ended, for the time-out of a slow sender.
  package var isMidway: Bool {
    switch phase {
    case .idle, .failed: false
    case .handedOut: messageOpcode != nil
    case .firstByte, .secondByte, .extendedLength, .maskingKey, .payload: true
    }
  }

  /// Takes the next thing out of `input` from `offset` on; nil when the input is used up.
  ///
  /// Here only what nearly every frame is: a whole message of under 64 KiB in one frame, with
  /// nothing pending. The rest goes to `gather`, which decides everything once more.
  @inlinable
  package mutating func next(
    in input: UnsafeMutableRawBufferPointer, at offset: inout Int,
    limits: borrowing MessageLimits
  ) throws(ProtocolError) -> Inbound? {
    let available = input.count &- offset
    guard phase == .idle, available >= 2, let base = input.baseAddress else {
      return try gather(from: input, at: &offset, limits: limits)
    }
    let start = base + offset
    let first = start.load(as: UInt8.self)
    let second = start.load(fromByteOffset: 1, as: UInt8.self)
    var length = Int(second & 0x7F)
    var headerBytes = 2 &+ Int(expectedMaskBit >> 5)
    if length == 126, available >= 4 {
      let extended = start.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
      length = Int(UInt16(bigEndian: extended))
      headerBytes &+= 2
      // A length that should have been written shorter.
      if length < 126 { length = Int.max }
    } else if length >= 126 {
      length = Int.max
    }
    guard first == 0x81 || first == 0x82, second & 0x80 == expectedMaskBit,
      length <= limits.messageBytesMax, length <= available &- headerBytes
    else { return try gather(from: input, at: &offset, limits: limits) }

    let payload = UnsafeMutableRawBufferPointer(start: start + headerBytes, count: length)
    offset &+= headerBytes &+ length
    var isASCII = false
    if expectedMaskBit != 0 {
      let key = UInt32(
        littleEndian: start.loadUnaligned(fromByteOffset: headerBytes &- 4, as: UInt32.self))
      isASCII = MaskingKey(littleEndian: key).apply(to: payload) == 0
    }
    guard first == 0x81 else { return .binary(UnsafeRawBufferPointer(payload)) }
    guard isASCII || UTF8Validator.isValid(UnsafeRawBufferPointer(payload)) else {
      phase = .failed
      throw .invalidUTF8
    }
    return .text(UnsafeRawBufferPointer(payload))
  }
}
