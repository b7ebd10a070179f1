import Bytes

/// Puts together what `MessageDecoder` cannot hand out where it lies: frames that arrive in parts,
/// messages in fragments, control frames, and everything that is wrong.
///
/// What arrives in parts is gathered in a buffer that lives until the call after the message, so
/// that a byte-by-byte peer costs linear time.
@usableFromInline
final class MessageAssembler {
  /// Where in the stream the next byte lies.
  enum Phase {
    /// Before a frame, with no message unfinished and no buffer held.
    case idle
    /// As idle or between the fragments, but the buffer's end is with the caller until now.
    case handedOut
    case firstByte, secondByte, extendedLength, maskingKey, payload
    /// Behind a violation: nothing that the peer sends has a meaning any more.
    case failed
  }

  var phase = Phase.idle
  let expectedMaskBit: UInt8
  let takesDeflated: Bool

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
  var isDeflated = false
  var fragments = 0
  var validator = UTF8Validator()
  /// Payload bytes of the message in `gathered`; those of a control frame lie behind them.
  var messageBytes = 0
  var gathered: ByteBuffer?

  init(expectedMaskBit: UInt8, takesDeflated: Bool = false) {
    self.expectedMaskBit = expectedMaskBit
    self.takesDeflated = takesDeflated
  }

  /// One that drops all that follows a violation.
  @usableFromInline
  convenience init(failedWith expectedMaskBit: UInt8) {
    self.init(expectedMaskBit: expectedMaskBit)
    phase = .failed
  }

  var isIdle: Bool { phase == .idle }

  var holdsBuffer: Bool { gathered != nil }

  @usableFromInline
  var isMidway: Bool {
    switch phase {
    case .idle, .failed: false
    case .handedOut: messageOpcode != nil
    case .firstByte, .secondByte, .extendedLength, .maskingKey, .payload: true
    }
  }

  /// Takes the next thing out of `input`, whatever is pending and wherever the input is cut.
  func next(
    in input: UnsafeMutableRawBufferPointer, at offset: inout Int, limits: MessageLimits
  ) throws(ProtocolError) -> Inbound? {
    if phase == .handedOut { takeBack() }
    do throws(ProtocolError) {
      return try gatherNext(from: input, at: &offset, limits: limits)
    } catch {
      phase = .failed
      throw error
    }
  }

  private func gatherNext(
    from input: UnsafeMutableRawBufferPointer, at offset: inout Int, limits: MessageLimits
  ) throws(ProtocolError) -> Inbound? {
    while true {
      switch phase {
      case .payload:
        if let inbound = try takePayload(from: input, at: &offset) { return inbound }
        if phase == .payload { return nil }
      case .failed:
        offset = input.count
        return nil
      case .idle, .handedOut, .firstByte, .secondByte, .extendedLength, .maskingKey:
        guard offset < input.count else { return nil }
        let byte = input[offset]
        offset += 1
        try takeHeader(byte, limits)
      }
    }
  }

  /// Frees what the caller has seen: the message, or the control frame behind one in progress.
  private func takeBack() {
    if messageOpcode == nil {
      gathered = nil
      phase = .idle
    } else {
      gathered?.truncate(to: messageBytes)
      phase = .firstByte
    }
  }
}
