import Bytes
internal import CZlib

/// A zlib inflater for the messages of one sender, or of many that refer to nothing earlier.
///
/// Owns the stream, about 7 KiB, and its window, which zlib makes when it first needs it.
final class Inflater {
  /// On the heap, because zlib refuses a stream that has moved.
  private let stream: UnsafeMutablePointer<z_stream>

  /// What a sender cuts off each message; RFC 7692, section 7.2.1.
  private static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]
  /// What zlib says of itself when the input ends exactly behind a block that is not the last, with
  /// all that the block gives written. A call that does nothing more makes it forget that.
  private static let isBehindBlock: Int32 = 128

  init(windowBits: Int) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = inflateInit2_(
      stream, -Int32(windowBits), ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "no inflater: zlib says \(status)")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Forgets all earlier messages.
  func reset() { inflateReset(stream) }

  /// Writes to `output`, which is empty, what `message` was before it was deflated.
  ///
  /// Stops where that gets more than `bytesMax` bytes, having claimed memory for no more, or where
  /// it cannot be UTF-8 any more. After an error only `reset()` makes it usable.
  func inflate(
    _ message: UnsafeRawBufferPointer, isText: Bool, bytesMax: Int, into output: inout ByteBuffer
  ) throws(ProtocolError) {
    var text = UTF8Validator()
    setInput(message)
    try inflateInput(bytesMax, into: &output, isText: isText, &text)
    let failure: ProtocolError? = Self.tail.withUnsafeBytes { tail in
      setInput(tail)
      do throws(ProtocolError) {
        try inflateInput(bytesMax, into: &output, isText: isText, &text)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
    guard stream.pointee.data_type == Self.isBehindBlock else { throw .corruptDeflate }
    guard text.isComplete else { throw .invalidUTF8 }
  }

  /// The bytes must stay where they are until they are used up. They are fewer than 4 GiB, as every
  /// message is.
  private func setInput(_ part: UnsafeRawBufferPointer) {
    let bytes = part.assumingMemoryBound(to: UInt8.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
    stream.pointee.avail_in = uInt(part.count)
  }

  /// Inflates until the input is used up and all that it gives is written.
  private func inflateInput(
    _ bytesMax: Int, into output: inout ByteBuffer, isText: Bool, _ text: inout UTF8Validator
  ) throws(ProtocolError) {
    while true {
      let start = output.count
      let status = step(bytesMax, into: &output)
      let written = UnsafeRawBufferPointer(rebasing: output.bytes[start...])
      guard !isText || text.accept(written) else { throw .invalidUTF8 }
      let isUsedUp = stream.pointee.avail_in == 0
      let isBehindBlock = stream.pointee.data_type == Self.isBehindBlock
      switch status {
      case Z_OK: if isUsedUp, stream.pointee.avail_out > 0 || isBehindBlock { return }
      // The block was marked as the last, which a sender may do in the middle of its messages
      // (section 7.2.3.4). The next one may refer to what is before, so the window is kept.
      case Z_STREAM_END: inflateResetKeep(stream)
      // Nothing could be done: for want of input, or of room, of which there is none any more.
      case Z_BUF_ERROR where isUsedUp: return
      case Z_BUF_ERROR: throw .messageTooBig
      default: throw .corruptDeflate
      }
    }
  }

  /// One call of zlib, with at least a byte of room as long as the message may grow.
  private func step(_ bytesMax: Int, into output: inout ByteBuffer) -> Int32 {
    if output.count == output.capacity, output.count < bytesMax {
      // Not with `reserve`, which may claim twice what is allowed.
      var larger = ByteBuffer(minimumCapacity: min(2 * output.capacity, bytesMax))
      larger.append(output.bytes)
      output = larger
    }
    let room = max(0, min(output.capacity, bytesMax) - output.count)
    var status = Z_OK
    output.appendUninitialized(room) { start in
      stream.pointee.next_out = start.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = uInt(room)
      status = CZlib.inflate(stream, Z_SYNC_FLUSH)
    }
    output.truncate(to: output.count - Int(stream.pointee.avail_out))
    return status
  }
}
