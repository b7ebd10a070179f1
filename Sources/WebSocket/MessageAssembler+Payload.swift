import Bytes

extension MessageAssembler {
  /// The first size of a buffer for a message in parts, so that a frame's first byte, however
  /// large the length before it, claims no more.
  private static var gatheredBytesMin: Int { 16 * 1024 }

  /// Takes what there is of the frame's payload; the inbound when that ends one.
  ///
  /// The phase stays `payload` when more is due.
  func takePayload(
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

  private func takeControl(
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

  private func takeData(
    _ part: UnsafeRawBufferPointer, isASCII: Bool, isWhole: Bool
  ) throws(ProtocolError) -> Inbound? {
    let endsMessage = isWhole && isFinal
    if messageOpcode == .text, !isDeflated, !isASCII || !validator.isComplete {
      guard validator.accept(part), !endsMessage || validator.isComplete else {
        throw .invalidUTF8
      }
    }
    if endsMessage, messageBytes == 0 {
      // The frame arrived whole and nothing came before it. A control frame in parts may have
      // left a buffer.
      phase = holdsBuffer ? .handedOut : .idle
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

  /// Hands out the message and is ready for the next.
  private func endMessage(_ payload: UnsafeRawBufferPointer) -> Inbound {
    let isText = messageOpcode == .text
    messageOpcode = nil
    messageBytes = 0
    if isDeflated { return .deflated(isText: isText, payload) }
    return isText ? .text(payload) : .binary(payload)
  }

  /// What was gathered, from `start` on.
  private func gatheredBytes(from start: Int) -> UnsafeRawBufferPointer {
    guard let bytes = gathered?.bytes else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(rebasing: bytes[start...])
  }

  /// The buffer, made for the first part that has to wait.
  private func store(_ part: UnsafeRawBufferPointer) {
    if gathered == nil {
      // At most the limit of a message, so the sum does not overflow.
      let frameBytes = part.count + Int(payloadBytesDue)
      gathered = ByteBuffer(
        minimumCapacity: max(part.count, min(frameBytes, Self.gatheredBytesMin)))
    }
    gathered?.append(part)
  }
}
