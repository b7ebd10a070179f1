extension MessageAssembler {
  /// Takes one byte of a frame's header, and refuses the frame at the first wrong one.
  func takeHeader(
    _ byte: UInt8, _ limits: MessageLimits
  ) throws(ProtocolError) {
    switch phase {
    case .idle, .firstByte:
      try takeFirst(byte, limits)
      phase = .secondByte
    case .secondByte:
      try takeSecond(byte, limits)
    case .extendedLength:
      payloadBytesDue = payloadBytesDue << 8 | UInt64(byte)
      headerBytesDue -= 1
      if headerBytesDue == 0 { try endExtendedLength(limits) }
    case .maskingKey:
      // The bytes enter at the top and move down: the first ends lowest.
      key.littleEndian = key.littleEndian >> 8 | UInt32(byte) << 24
      headerBytesDue -= 1
      if headerBytesDue == 0 { phase = .payload }
    case .handedOut, .payload, .failed:
      preconditionFailure("no header byte is due")
    }
  }

  /// FIN, RSV and the opcode, and whether such a frame may come now.
  private func takeFirst(
    _ byte: UInt8, _ limits: MessageLimits
  ) throws(ProtocolError) {
    let reserved = byte & 0x70
    guard reserved == 0 || reserved == 0x40 && takesDeflated else { throw .reservedBits }
    guard let opcode = Opcode(rawValue: byte & 0x0F) else { throw .unknownOpcode }
    // On the first frame of a message RSV1 says that the message is compressed; RFC 7692, section 6.
    guard reserved == 0 || opcode.startsMessage else { throw .reservedBits }
    self.opcode = opcode
    isFinal = byte & 0x80 != 0
    switch opcode {
    case .close, .ping, .pong:
      guard isFinal else { throw .badControlFrame }
    case .text, .binary:
      guard messageOpcode == nil else { throw .outOfOrder }
      messageOpcode = opcode
      isDeflated = reserved != 0
      fragments = 1
    case .continuation:
      guard messageOpcode != nil else { throw .outOfOrder }
      guard fragments < limits.fragmentsMax else { throw .tooManyFragments }
      fragments += 1
    }
  }

  /// The mask bit and the length, or its kind.
  private func takeSecond(
    _ byte: UInt8, _ limits: MessageLimits
  ) throws(ProtocolError) {
    guard byte & 0x80 == expectedMaskBit else { throw .wrongMasking }
    let length = byte & 0x7F
    guard !opcode.isControl || length <= 125 else { throw .badControlFrame }
    switch length {
    case 126, 127:
      payloadBytesDue = 0
      headerBytesDue = length == 126 ? 2 : 8
      hasWideLength = length == 127
      phase = .extendedLength
    default:
      payloadBytesDue = UInt64(length)
      try endLength(limits)
    }
  }

  private func endExtendedLength(_ limits: MessageLimits) throws(ProtocolError) {
    let shortest: UInt64 = hasWideLength ? 0x1_0000 : 126
    guard payloadBytesDue >= shortest, payloadBytesDue >> 63 == 0 else { throw .badLength }
    try endLength(limits)
  }

  private func endLength(_ limits: MessageLimits) throws(ProtocolError) {
    if !opcode.isControl {
      let bytesMax = isDeflated ? limits.deflatedBytesMax : limits.messageBytesMax
      guard payloadBytesDue <= UInt64(max(0, bytesMax - messageBytes)) else {
        throw .messageTooBig
      }
    }
    key = MaskingKey(littleEndian: 0)
    headerBytesDue = 4
    phase = expectedMaskBit == 0 ? .payload : .maskingKey
  }
}
