/// What the sockets of a loop reach several times per message.
///
/// Behind a pointer of the loop's own: a checked access to a class's property costs about 40
/// instructions, and keeping the class alive for it as many.
struct LoopState: ~Copyable {
  let kernel: Kernel
  /// The buffer that every socket of this loop reads into.
  let readBuffer: UnsafeMutableRawBufferPointer
  var handlers = HandlerTable()
  var arena = WriteArena()

  init(kernel: Kernel) {
    self.kernel = kernel
    readBuffer = .allocate(byteCount: EventLoop.readBytes, alignment: 64)
  }

  deinit { readBuffer.deallocate() }
}
