public import Bytes

/// Room for the largest header, and where the payload behind it begins.
@usableFromInline
package struct ReservedFrame: Sendable {
  @usableFromInline let payloadStart: Int

  @inlinable
  init(payloadStart: Int) { self.payloadStart = payloadStart }
}

extension ByteBuffer {
  /// Appends a frame as a server sends it: whole, unmasked, with the shortest header.
  @inlinable
  package mutating func appendFrame(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) {
    let headerBytes = FrameHeader.count(payloadBytes: payload.count)
    appendUninitialized(headerBytes &+ payload.count) { frame in
      FrameHeader.write(opcode, payloadBytes: payload.count, to: frame)
      guard let source = payload.baseAddress else { return }
      (frame + headerBytes).copyMemory(from: source, byteCount: payload.count)
    }
  }

  /// Appends a server's frame whose payload was deflated: RSV1 says so.
  package mutating func appendDeflatedFrame(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) {
    let start = count
    appendFrame(opcode, payload)
    let frame = mutableBytes
    frame[start] = frame[start] | 0x40
  }

  /// Appends a frame as a client sends it: masked with a key that nobody could foresee.
  package mutating func appendFrame(
    _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, maskedWith key: MaskingKey
  ) {
    let headerBytes = FrameHeader.count(payloadBytes: payload.count)
    appendUninitialized(headerBytes + 4 + payload.count) { frame in
      FrameHeader.write(opcode, payloadBytes: payload.count, to: frame, maskBit: 0x80)
      frame.storeBytes(
        of: key.littleEndian.littleEndian, toByteOffset: headerBytes, as: UInt32.self)
      let masked = UnsafeMutableRawBufferPointer(
        start: frame + headerBytes + 4, count: payload.count)
      masked.copyMemory(from: payload)
      key.apply(to: masked)
    }
  }

  /// Makes room for the header of a server's frame whose payload is appended next.
  @inlinable
  package mutating func reserveFrameHeader() -> ReservedFrame {
    appendUninitialized(FrameHeader.bytesMax) { room in
      room.initializeMemory(as: UInt8.self, repeating: 0, count: FrameHeader.bytesMax)
    }
    return ReservedFrame(payloadStart: count)
  }

  /// Writes the header right before the payload, which ends at the buffer's end.
  ///
  /// Returns where the frame lies. The bytes of the room before it mean nothing.
  @inlinable
  package mutating func finishFrame(_ opcode: Opcode, _ reserved: ReservedFrame) -> Range<Int> {
    let payloadBytes = count - reserved.payloadStart
    precondition(payloadBytes >= 0, "the payload was truncated away")
    let start = reserved.payloadStart - FrameHeader.count(payloadBytes: payloadBytes)
    if let base = mutableBytes.baseAddress {
      FrameHeader.write(opcode, payloadBytes: payloadBytes, to: base + start)
    }
    return start..<count
  }

  /// Appends a close frame; a reason over 123 bytes is cut at a character.
  package mutating func appendCloseFrame(
    _ code: CloseCode?, reason: String = "", maskedWith key: MaskingKey? = nil
  ) {
    var payload: [UInt8] = []
    if let code {
      precondition(code.maySend, "a close code that may not be sent")
      payload = [UInt8(code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)]
      for character in reason.unicodeScalars {
        let utf8 = UTF8.encode(character)
        guard let utf8, payload.count + utf8.count <= FrameHeader.controlPayloadBytesMax else {
          break
        }
        payload.append(contentsOf: utf8)
      }
    }
    payload.withUnsafeBytes { bytes in
      if let key {
        appendFrame(.close, bytes, maskedWith: key)
      } else {
        appendFrame(.close, bytes)
      }
    }
  }
}

/// The header of a whole message in one frame, without a masking key.
@usableFromInline
enum FrameHeader {
  /// Two bytes and a length of eight.
  @inlinable
  static var bytesMax: Int { 10 }

  static var controlPayloadBytesMax: Int { 125 }

  @inlinable
  static func count(payloadBytes: Int) -> Int {
    payloadBytes <= 125 ? 2 : payloadBytes <= 0xFFFF ? 4 : 10
  }

  @inlinable
  static func write(
    _ opcode: Opcode, payloadBytes: Int, to header: UnsafeMutableRawPointer, maskBit: UInt8 = 0
  ) {
    header.storeBytes(of: 0x80 | opcode.rawValue, as: UInt8.self)
    if payloadBytes <= 125 {
      let length = UInt8(truncatingIfNeeded: payloadBytes)
      header.storeBytes(of: maskBit | length, toByteOffset: 1, as: UInt8.self)
    } else if payloadBytes <= 0xFFFF {
      let length = UInt16(truncatingIfNeeded: payloadBytes)
      header.storeBytes(of: maskBit | 126, toByteOffset: 1, as: UInt8.self)
      header.storeBytes(of: length.bigEndian, toByteOffset: 2, as: UInt16.self)
    } else {
      let length = UInt64(payloadBytes)
      header.storeBytes(of: maskBit | 127, toByteOffset: 1, as: UInt8.self)
      header.storeBytes(of: length.bigEndian, toByteOffset: 2, as: UInt64.self)
    }
  }
}
