import Bytes
internal import CZlib

/// A zlib deflater for the messages to one reader, or to many that are to remember nothing.
///
/// Owns 4 bytes per byte of its window, and as much again as the memory level says.
final class Deflater {
  /// On the heap, because zlib refuses a stream that has moved.
  private let stream: UnsafeMutablePointer<z_stream>

  init(windowBits: Int, memoryLevel: Int, level: Int) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = deflateInit2_(
      stream, Int32(level), Z_DEFLATED, -Int32(windowBits), Int32(memoryLevel),
      Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "no deflater: zlib says \(status)")
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Forgets all earlier messages.
  func reset() { deflateReset(stream) }

  /// Appends the payload of a frame that carries `message`, which is not empty and below 4 GiB;
  /// RFC 7692, section 7.2.1.
  func deflate(_ message: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
    precondition(!message.isEmpty, "zlib flushes nothing but once")
    let bytes = message.assumingMemoryBound(to: UInt8.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
    stream.pointee.avail_in = uInt(message.count)
    // The bound is for a stream that ends and not for one that is flushed. The rest makes that
    // enough, but nothing depends on it.
    var room = Int(deflateBound(stream, uLong(message.count))) + 16
    repeat {
      output.appendUninitialized(room) { start in
        stream.pointee.next_out = start.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = uInt(room)
        let status = CZlib.deflate(stream, Z_SYNC_FLUSH)
        precondition(status == Z_OK, "deflate: zlib says \(status)")
      }
      output.truncate(to: output.count - Int(stream.pointee.avail_out))
      room = 1024
    } while stream.pointee.avail_out == 0
    // The flush ended with the empty block 00 00 FF FF, which the reader adds by itself.
    output.truncate(to: output.count - 4)
  }
}
