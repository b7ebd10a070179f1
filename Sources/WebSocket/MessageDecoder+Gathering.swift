import Bytes

extension MessageDecoder {
  /// Takes the next thing out of `input`, whatever is pending and wherever the input is cut.
  @usableFromInline
  mutating func gather(
    from input: UnsafeMutableRawBufferPointer, at offset: inout Int, limits: MessageLimits
  ) throws(ProtocolError) -> Inbound? {
    if phase == .handedOut { takeBack() }
    do throws(ProtocolError) {
      return try gatherNext(from: input, at: &offset, limits: limits)
    } catch {
      phase = .failed
      throw error
    }
  }

  private mutating func gatherNext(
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
  private mutating func takeBack() {
    if messageOpcode == nil {
      gathered = nil
      phase = .idle
    } else {
      gathered?.truncate(to: messageBytes)
      phase = .firstByte
    }
  }
}
