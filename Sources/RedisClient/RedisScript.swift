/// A Lua script, run by its digest where the server has it.
///
/// Confined to the loop of the client that runs it.
package final class RedisScript {
  private let source: String
  private var digest: String?
  /// Runs in order by the digest, counted as they are sent.
  private var runs: UInt64 = 0
  /// Runs below this were sent before one that was found refused was sent again.
  private var repeatedBelow: UInt64 = 0

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
      guard outcome.isMissingScript else { return reply(outcome) }
      client.send(RedisCommand(["EVAL", source] + whole), reply: reply)
    }
  }

  /// Runs a script that may run twice, and whose last run counts: behind all that were sent before.
  ///
  /// Of several that are on their way to a server that has lost the script, somebody else may give it
  /// the script in between: some are refused then and others are not. Behind the first that was
  /// refused all are sent again.
  package func runInOrder(
    on client: RedisClient, key: String, _ arguments: [String],
    reply: @escaping (RedisOutcome) -> Void
  ) {
    let whole = ["1", key] + arguments
    guard let digest else {
      return client.send(RedisCommand(["EVAL", source] + whole), reply: reply)
    }
    let number = runs
    runs += 1
    client.send(RedisCommand(["EVALSHA", digest] + whole)) { [self] outcome in
      if outcome.isMissingScript { repeatedBelow = runs }
      guard number < repeatedBelow, case .value = outcome else { return reply(outcome) }
      client.send(RedisCommand(["EVAL", source] + whole), reply: reply)
    }
  }
}

extension RedisOutcome {
  fileprivate var isMissingScript: Bool {
    guard case .value(.error(let message)) = self else { return false }
    return message.hasPrefix("NOSCRIPT")
  }
}
