internal import CHiredis

/// Bytes to replies, through hiredis' reader without its sockets.
package final class ReplyReader {
  private let builder: ReplyBuilder
  private let reader: UnsafeMutablePointer<redisReader>
  private let waitingBytesMax: Int

  package init(limits: RedisLimits) {
    builder = ReplyBuilder(limits: limits)
    waitingBytesMax = limits.stringBytesMax + 64 * 1024
    reader = builder.makeReader()
  }

  deinit { redisReaderFree(reader) }

  /// A command was sent: one more reply may come.
  package func expectReply() { builder.expectedReplies += 1 }

  /// Messages may come that are no answers, for a connection that has subscribed.
  package var acceptsMessages: Bool {
    get { builder.acceptsMessages }
    set { builder.acceptsMessages = newValue }
  }

  /// Copies what came; ask for the replies in it with `next`.
  package func feed(_ bytes: UnsafeRawBufferPointer) {
    redisReaderFeed(reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
  }

  /// The next whole reply, or nil when more bytes have to come first.
  ///
  /// After an error the connection is to be dropped: where the next reply begins is unknown.
  package func next() throws(RedisFailure) -> RedisValue? {
    var reply: UnsafeMutableRawPointer?
    guard redisReaderGetReply(reader, &reply) == REDIS_OK else {
      throw RedisFailure(.badReply, reason)
    }
    if let reply { return builder.take(reply) }
    // The library buffers a line or string until its end, without a bound of its own.
    guard reader.pointee.len <= waitingBytesMax else {
      throw RedisFailure(.badReply, "a line or string beyond the limit")
    }
    return nil
  }

  private var reason: String {
    guard reader.pointee.err != REDIS_ERR_OOM else { return "unasked for, or beyond a limit" }
    return withUnsafeBytes(of: reader.pointee.errstr) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
