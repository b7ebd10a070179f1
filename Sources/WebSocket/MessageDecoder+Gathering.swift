import Bytes

extension MessageDecoder {
  /// The first size of a buffer for a message in parts, so that a header alone, however large
  /// the length it says, claims no more.
  private static var gatheredBytesMin: Int { 16 * 1024 }

  /// Takes the next thing out of `input`, whatever is pending and wherever the input is cut.
  @usableFromInline
  mutating func gather(
    from input: UnsafeMutableRawBufferPointer, at offset: inout Int, limits: MessageLimits
  ) throws(ProtocolError) -> Inbound? {
    if phase == .handedOut { takeBack() }
    while true {
      if phase == .payload {
        if let inbound = try takePayload(from: input, at: &offset) { return inbound }
        if phase == .payload { return nil }
      }
      guard offset < input.count else { return nil }
      let byte = input[offset]
      offset += 1
      try takeHeader(byte, limits)
    }
  }

  /// Frees what the caller has seen: the message, or the control frame behind one in progress.
  private mutating func takeBack() {
    if messageOpcode == nil {
      gathered = nil
      phase = .idle
    } else {
      gathered?.truncate(to: messageBytes)
      phase = .firstByte
    }
  }

  /// The buffer, made for the first part that has to wait.
  private mutating func store(_ part: UnsafeRawBufferPointer) {
    if gathered == nil {
      // The limits keep the sum far from overflow.
      let frameBytes = part.count + Int(payloadBytesDue)
      gathered = ByteBuffer(
        minimumCapacity: max(part.count, min(frameBytes, Self.gatheredBytesMin)))
    }
    gathered?.append(part)
  }
}

// MARK: Header

extension MessageDecoder {
  private mutating func takeHeader(
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
    case .handedOut, .payload:
      preconditionFailure("no header byte is due")
    }
  }

  /// FIN, RSV and the opcode, and whether such a frame may come now.
  private mutating func takeFirst(
    _ byte: UInt8, _ limits: MessageLimits
  ) throws(ProtocolError) {
    guard byte & 0x70 == 0 else { throw .reservedBits }
    guard let opcode = Opcode(rawValue: byte & 0x0F) else { throw .unknownOpcode }
    self.opcode = opcode
    isFinal = byte & 0x80 != 0
    switch opcode {
    case .close, .ping, .pong:
      guard isFinal else { throw .badControlFrame }
    case .text, .binary:
      guard messageOpcode == nil else { throw .outOfOrder }
      messageOpcode = opcode
      fragments = 1
    case .continuation:
      guard messageOpcode != nil else { throw .outOfOrder }
      guard fragments < limits.fragmentsMax else { throw .tooManyFragments }
      fragments += 1
    }
  }

  /// The mask bit and the length, or its kind.
  private mutating func takeSecond(
    _ byte: UInt8, _ limits: MessageLimits
  ) throws(ProtocolError) {
    guard byte & 0x80 == expectedMaskBit else { throw .wrongMasking }
    let length = byte & 0x7F
    guard !opcode.isControl || length <= 125 else { throw .badControlFrame }
    switch length {
    case 126, 127:
      payloadBytesDue = 0
      headerBytesDue = length == 126 ? 2 : 8
      extendedLengthIsWide = length == 127
      phase = .extendedLength
    default:
      payloadBytesDue = UInt64(length)
      try endLength(limits)
    }
  }

  private mutating func endExtendedLength(_ limits: MessageLimits) throws(ProtocolError) {
    let shortest: UInt64 = extendedLengthIsWide ? 0x1_0000 : 126
    guard payloadBytesDue >= shortest, payloadBytesDue >> 63 == 0 else { throw .badLength }
    try endLength(limits)
  }

  private mutating func endLength(_ limits: MessageLimits) throws(ProtocolError) {
    if !opcode.isControl {
      guard payloadBytesDue <= UInt64(max(0, limits.messageBytesMax - messageBytes)) else {
        throw .messageTooBig
      }
    }
    key = MaskingKey(littleEndian: 0)
    headerBytesDue = 4
    phase = expectedMaskBit == 0 ? .payload : .maskingKey
  }
}

// MARK: Payload

extension MessageDecoder {
  /// Takes what there is of the frame's payload; the inbound when that ends one.
  ///
  /// The phase stays `payload` when more is due.
  private mutating func takePayload(
    from input: UnsafeMutableRawBufferPointer, at offset: inout Int
  ) throws(ProtocolError) -> Inbound? {
    let count = Int(min(payloadBytesDue, UInt64(input.count - offset)))
    let isWhole = payloadBytesDue == UInt64(count)
    guard count > 0 || isWhole else { return nil }
    let part = UnsafeMutableRawBufferPointer(rebasing: input[offset..<(offset + count)])
    offset += count
    var isASCII = false
    if expectedMaskBit != 0 {
      isASCII = key.apply(to: part) == 0
      key = key.advanced(by: count)
    }
    payloadBytesDue -= UInt64(count)
    let bytes = UnsafeRawBufferPointer(part)
    return opcode.isControl
      ? try takeControl(bytes, isWhole: isWhole)
      : try takeData(bytes, isASCII: isASCII, isWhole: isWhole)
  }

  private mutating func takeControl(
    _ part: UnsafeRawBufferPointer, isWhole: Bool
  ) throws(ProtocolError) -> Inbound? {
    let gatheredOfFrame = (gathered?.count ?? 0) - messageBytes
    if isWhole, gatheredOfFrame == 0 {
      phase = messageOpcode == nil ? .idle : .firstByte
      return try control(part)
    }
    store(part)
    guard isWhole else { return nil }
    phase = .handedOut
    return try control(gatheredBytes(from: messageBytes))
  }

  private func control(_ payload: UnsafeRawBufferPointer) throws(ProtocolError) -> Inbound {
    switch opcode {
    case .ping: return .ping(payload)
    case .pong: return .pong(payload)
    default: break
    }
    guard !payload.isEmpty else { return .close(nil, reason: payload) }
    guard payload.count >= 2 else { throw .badCloseCode }
    let code = CloseCode(UInt16(payload[0]) << 8 | UInt16(payload[1]))
    guard code.maySend else { throw .badCloseCode }
    let reason = UnsafeRawBufferPointer(rebasing: payload.dropFirst(2))
    guard UTF8Validator.isValid(reason) else { throw .invalidUTF8 }
    return .close(code, reason: reason)
  }

  private mutating func takeData(
    _ part: UnsafeRawBufferPointer, isASCII: Bool, isWhole: Bool
  ) throws(ProtocolError) -> Inbound? {
    let endsMessage = isWhole && isFinal
    if messageOpcode == .text, !isASCII || !validator.isComplete {
      guard validator.accept(part), !endsMessage || validator.isComplete else {
        throw .invalidUTF8
      }
    }
    if endsMessage, messageBytes == 0 {
      // The frame arrived whole and nothing came before it. A control frame in parts may have
      // left a buffer.
      phase = gathered == nil ? .idle : .handedOut
      return endMessage(part)
    }
    store(part)
    messageBytes += part.count
    guard endsMessage else {
      if isWhole { phase = .firstByte }
      return nil
    }
    phase = .handedOut
    return endMessage(gatheredBytes(from: 0))
  }

  private mutating func endMessage(_ payload: UnsafeRawBufferPointer) -> Inbound {
    let isText = messageOpcode == .text
    messageOpcode = nil
    messageBytes = 0
    return isText ? .text(payload) : .binary(payload)
  }

  /// What was gathered, from `start` on.
  private mutating func gatheredBytes(from start: Int) -> UnsafeRawBufferPointer {
    guard let bytes = gathered?.bytes else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(rebasing: bytes[start...])
  }
}
