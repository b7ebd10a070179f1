internal import ChatCore

/// The answers to one submitted batch, handed back in as few calls as they come in.
final class ReplyBatch {
  private let reply: @Sendable ([RegistryReply]) -> Void
  private var ready: [RegistryReply] = []

  init(_ reply: @escaping @Sendable ([RegistryReply]) -> Void) { self.reply = reply }

  /// Says true for the first answer since the last `send()`.
  func add(_ token: UInt64, _ result: RegistryReply.Result) -> Bool {
    ready.append(RegistryReply(token: token, result: result))
    return ready.count == 1
  }

  func send() {
    let replies = ready
    ready = []
    reply(replies)
  }
}
