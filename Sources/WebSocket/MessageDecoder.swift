public import Bytes

/// Turns a peer's bytes into messages and control frames; RFC 6455, sections 5 and 8.1.
///
/// One per connection. A frame that arrived whole is unmasked and handed out where it lies. What
/// arrives in parts is put together in a `MessageAssembler`, which lives until the call after the
/// message, so an idle connection has no memory but these ten bytes. Violations are raised at the
/// first byte that makes them certain; what follows one is dropped.
///
/// Hold one `inout` access to it over all frames of a read: the exclusivity check of a class's
/// property costs more than decoding a frame of 64 bytes (20 ns and 10 ns).
@usableFromInline
package struct MessageDecoder: ~Copyable {
  /// Present from a frame that has not arrived whole, or is not the whole message, on.
  @usableFromInline var assembler: MessageAssembler?
  /// The mask bit of every frame, in its place in the second byte.
  @usableFromInline let expectedMaskBit: UInt8
  /// Whether messages may be compressed. They are handed out as they are, for a `DeflateContexts`.
  @usableFromInline package let takesDeflated: Bool

  package init(role: Role, takesDeflated: Bool = false) {
    expectedMaskBit = role == .server ? 0x80 : 0
    self.takesDeflated = takesDeflated
  }

  /// Whether it holds nothing: an empty input then has nothing in it for certain.
  @inlinable
  package var isIdle: Bool { assembler == nil }

  /// Whether a message or a frame has begun and not ended, for the time-out of a slow sender.
  @inlinable
  package var isMidway: Bool { assembler?.isMidway ?? false }

  /// Takes the next thing out of `input` from `offset` on; nil when the input is used up.
  ///
  /// Here only what nearly every frame is: a whole message of under 64 KiB in one frame, with
  /// nothing pending. The rest goes to the assembler, which decides everything once more.
  @inlinable
  package mutating func next(
    in input: UnsafeMutableRawBufferPointer, at offset: inout Int,
    limits: borrowing MessageLimits
  ) throws(ProtocolError) -> Inbound? {
    let available = input.count &- offset
    guard assembler == nil, available >= 2, let base = input.baseAddress else {
      return try assemble(from: input, at: &offset, limits: limits)
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
    else { return try assemble(from: input, at: &offset, limits: limits) }

    let payload = UnsafeMutableRawBufferPointer(start: start + headerBytes, count: length)
    offset &+= headerBytes &+ length
    var isASCII = false
    if expectedMaskBit != 0 {
      let key = UInt32(
        littleEndian: start.loadUnaligned(fromByteOffset: headerBytes &- 4, as: UInt32.self))
      isASCII = MaskingKey(littleEndian: key).apply(to: payload, isText: first == 0x81) == 0
    }
    guard first == 0x81 else { return .binary(UnsafeRawBufferPointer(payload)) }
    guard isASCII || UTF8Validator.isValid(UnsafeRawBufferPointer(payload)) else {
      assembler = MessageAssembler(failedWith: expectedMaskBit)
      throw .invalidUTF8
    }
    return .text(UnsafeRawBufferPointer(payload))
  }

  @usableFromInline
  mutating func assemble(
    from input: UnsafeMutableRawBufferPointer, at offset: inout Int, limits: MessageLimits
  ) throws(ProtocolError) -> Inbound? {
    let assembler =
      assembler
      ?? MessageAssembler(expectedMaskBit: expectedMaskBit, takesDeflated: takesDeflated)
    self.assembler = assembler
    let inbound = try assembler.next(in: input, at: &offset, limits: limits)
    if assembler.isIdle { self.assembler = nil }
    return inbound
  }
}
