/// A Lua script, run by its digest where the server has it.
///
/// Confined to the loop of the client that runs it.
package final class RedisScript {
  private let source: String
  private var digest: String?

  package init(_ source: String) { self.source = source }

  /// Hands the script to the server. Once per connection, before it is run: without it, every run
  /// sends the source.
  package func load(on client: RedisClient) {
    client.send(RedisCommand(["SCRIPT", "LOAD", source])) { [self] outcome in
      if case .value(let value) = outcome, let text = value.text { digest = text }
    }
  }

  /// Runs the script on one key; a server that has lost it is given it again.
  package func run(
    on client: RedisClient, key: String, _ arguments: [String],
    reply: @escaping (RedisOutcome) -> Void
  ) {
    let whole = ["1", key] + arguments
    guard let digest else {
      return client.send(RedisCommand(["EVAL", source] + whole), reply: reply)
    }
    client.send(RedisCommand(["EVALSHA", digest] + whole)) { [source] outcome in
      guard case .value(.error(let message)) = outcome, message.hasPrefix("NOSCRIPT") else {
        return reply(outcome)
      }
      client.send(RedisCommand(["EVAL", source] + whole), reply: reply)
    }
  }
}
