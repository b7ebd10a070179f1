import RedisClient

/// Replies to the first three commands, and messages to a connection that has subscribed.
func fuzzRedis(_ input: UnsafeRawBufferPointer) {
  let replies = Cuts(of: input).claimSameAccount { ReplyStreamReader(acceptsMessages: false) }
  claim(replies.values.count <= ReplyStreamReader.commands, "nobody is answered who did not ask")
  _ = Cuts(of: input).claimSameAccount { ReplyStreamReader(acceptsMessages: true) }
}

private struct ReplyStreamReader: StreamReader {
  struct Account: Equatable {
    var values: [RedisValue] = []
    var failure: RedisFailure.Kind?
  }

  static let commands = 3

  private let reader: ReplyReader
  private(set) var account = Account()

  init(acceptsMessages: Bool) {
    var limits = RedisLimits()
    limits.stringBytesMax = 512
    limits.replyBytesMax = 2_048
    reader = ReplyReader(limits: limits)
    reader.acceptsMessages = acceptsMessages
    for _ in 0..<Self.commands { reader.expectReply() }
  }

  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool {
    reader.feed(UnsafeRawBufferPointer(read))
    do throws(RedisFailure) {
      while let value = try reader.next() { account.values.append(value) }
      return true
    } catch {
      account.failure = error.kind
      return false
    }
  }
}
