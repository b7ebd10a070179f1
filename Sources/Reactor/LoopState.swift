public import Bytes

/// What the sockets of a loop reach several times per message.
///
/// Behind a pointer of the loop's own: a checked access to a class's property costs about 40
/// instructions, and keeping the class alive for it as many.
@usableFromInline
struct LoopState: ~Copyable {
  /// The arena's bytes, where encoders of other modules write without a call.
  @usableFromInline let buffer: UnsafeMutablePointer<ByteBuffer>
  let kernel: Kernel
  /// The buffer that every socket of this loop reads into.
  let readBuffer: UnsafeMutableRawBufferPointer
  var handlers = HandlerTable()
  var arena = WriteArena()
  /// What a layer has sealed, between two calls.
  var sealed = ByteBuffer(minimumCapacity: 16)
  /// For what sockets cannot send yet.
  var blocks = BlockPool()
  unowned(unsafe) let loop: EventLoop

  init(of loop: EventLoop, kernel: Kernel) {
    self.loop = loop
    self.kernel = kernel
    readBuffer = .allocate(byteCount: EventLoop.readBytes, alignment: 64)
    buffer = arena.buffer
  }

  /// Ready for the next socket; memory beyond what most turns need is given back.
  mutating func forgetSealed() {
    if sealed.capacity > WriteArena.keptBytes {
      sealed = ByteBuffer(minimumCapacity: 16)
    } else {
      sealed.removeAll()
    }
  }

  deinit { readBuffer.deallocate() }
}
