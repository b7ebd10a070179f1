internal import CHiredis
internal import Glibc
internal import Reactor

/// What a connection tells its client.
protocol RedisConnectionOwner: AnyObject {
  func connected()
  /// The answer to the oldest command without one.
  func received(_ value: RedisValue)
  /// Once, last; commands without an answer will have none.
  func ended(_ failure: RedisFailure)
}

/// One connection through hiredis, whose hooks are mapped on the event loop.
///
/// The library owns the descriptor and the context, and frees both whenever it finds the
/// connection broken, within any of its calls: `context` is nil from then on and is read again
/// after each.
final class RedisConnection: EventHandler {
  private enum Phase {
    case connecting
    case connected
    /// Within a write by the library, which asks for more by itself when it is not done.
    case writing
  }

  private let loop: EventLoop
  private let owner: any RedisConnectionOwner
  private let builder: ReplyBuilder
  private let readBytesMax: Int
  private var context: UnsafeMutablePointer<redisAsyncContext>?
  private var token = Token(index: .max, generation: .max)
  private var phase = Phase.connecting
  private var interest: Readiness = .writable
  /// Known before the library's own, vaguer reason.
  private var failure: RedisFailure?

  init(
    to address: SocketAddress, limits: RedisLimits, on loop: EventLoop,
    owner: any RedisConnectionOwner
  ) throws(RedisFailure) {
    self.loop = loop
    self.owner = owner
    builder = ReplyBuilder(limits: limits)
    readBytesMax = limits.stringBytesMax + 64 * 1024
    guard let context = redisAsyncConnect(address.host, Int32(address.port)) else {
      throw RedisFailure(.unreachable, "out of memory")
    }
    guard context.pointee.err == 0 else {
      let failure = RedisFailure(.unreachable, Self.reason(context))
      redisAsyncFree(context)
      throw failure
    }
    // The library leaves it open in programs that the process starts, and the server would not
    // learn of our end before theirs.
    _ = fcntl(context.pointee.c.fd, F_SETFD, FD_CLOEXEC)
    do {
      token = try loop.add(self, descriptor: context.pointee.c.fd, interest: interest)
    } catch {
      redisAsyncFree(context)
      throw RedisFailure(.unreachable, "\(error)")
    }
    self.context = context
    attach(to: context)
  }

  /// Says false when the connection can take no more.
  func send(_ command: RedisCommand) -> Bool {
    guard let context else { return false }
    let result = command.bytes.withUnsafeBytes {
      redisAsyncFormattedCommand(
        context, receiveReply, nil, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard result == REDIS_OK else { return false }
    builder.expectedReplies += 1
    return true
  }

  /// Ends the connection; the owner hears of it at once, or behind a callback that is running.
  func close(_ reason: RedisFailure) {
    guard let context else { return }
    if failure == nil { failure = reason }
    redisAsyncFree(context)
  }

  // MARK: Events of the loop

  func becameReady(_ readiness: Readiness) {
    if phase == .connecting || readiness.contains(.writable) { write() }
    guard let context, phase != .connecting, !readiness.isDisjoint(with: [.readable, .closed])
    else { return }
    redisAsyncHandleRead(context)
    checkReader()
  }

  func flush() {
    if phase == .connected { write() }
  }

  private func write() {
    guard let context else { return }
    let before = phase
    if phase == .connected { phase = .writing }
    redisAsyncHandleWrite(context)
    if before == .connected { phase = .connected }
  }

  /// The library buffers a line or string until its end, without a bound of its own.
  private func checkReader() {
    guard let context, context.pointee.c.reader.pointee.len > readBytesMax else { return }
    close(RedisFailure(.badReply, "a line or string beyond the limit"))
  }

  // MARK: Hooks of the library

  private func attach(to context: UnsafeMutablePointer<redisAsyncContext>) {
    builder.attach(to: context.pointee.c.reader)
    let this = Unmanaged.passUnretained(self).toOpaque()
    context.pointee.data = this
    context.pointee.ev.data = this
    context.pointee.ev.addRead = { connection($0).setInterest(adding: .readable) }
    context.pointee.ev.delRead = { connection($0).setInterest(removing: .readable) }
    context.pointee.ev.addWrite = { connection($0).wantsToWrite() }
    context.pointee.ev.delWrite = { connection($0).setInterest(removing: .writable) }
    context.pointee.ev.cleanup = { connection($0).cleanUp() }
    redisAsyncSetConnectCallback(context) { context, status in
      if status == REDIS_OK { connection(context?.pointee.data).becameConnected() }
    }
  }

  private func setInterest(adding: Readiness = [], removing: Readiness = []) {
    // While the library connects it may know of nothing but writing.
    interest = interest.union(adding).subtracting(removing)
    loop.setInterest(interest, for: token)
  }

  private func wantsToWrite() {
    switch phase {
    case .connecting, .writing: setInterest(adding: .writable)
    case .connected: loop.scheduleFlush(token)
    }
  }

  private func becameConnected() {
    phase = .connected
    owner.connected()
  }

  /// The library is about to close the descriptor and to free the context.
  private func cleanUp() {
    guard let context else { return }
    let kind: RedisFailure.Kind =
      switch context.pointee.err {
      case REDIS_ERR_PROTOCOL, REDIS_ERR_OOM: .badReply
      case _ where phase == .connecting: .unreachable
      default: .lost
      }
    let failure = failure ?? RedisFailure(kind, Self.reason(context))
    self.context = nil
    loop.remove(token)
    owner.ended(failure)
  }

  fileprivate func received(_ reply: UnsafeMutableRawPointer) {
    builder.expectedReplies -= 1
    owner.received(ReplyBuilder.value(of: reply))
  }

  private static func reason(_ context: UnsafeMutablePointer<redisAsyncContext>) -> String {
    switch (context.pointee.err, context.pointee.errstr) {
    case (REDIS_ERR_OOM, _): "unasked for, or beyond a limit"
    case (_, let text?) where text.pointee != 0: String(cString: text)
    default: "closed"
    }
  }
}

private func connection(_ pointer: UnsafeMutableRawPointer?) -> RedisConnection {
  Unmanaged<RedisConnection>.fromOpaque(pointer!).takeUnretainedValue()
}

/// The callback of every command. A reply of nil says that the connection ends, which `cleanUp`
/// tells for all commands together.
private func receiveReply(
  _ context: UnsafeMutablePointer<redisAsyncContext>?, _ reply: UnsafeMutableRawPointer?,
  _: UnsafeMutableRawPointer?
) {
  guard let reply else { return }
  connection(context?.pointee.data).received(reply)
}
