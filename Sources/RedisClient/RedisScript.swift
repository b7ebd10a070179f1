internal import DequeModule

/// A Lua script, run by its digest where the server has it.
///
/// A server may lose its scripts at any time, and another client may give it one back: of several runs
/// that are on their way some are refused then and others, behind them, are not. Where that does no
/// harm there is `run`, and elsewhere `runInOrder`. In both, other commands behind a run that is
/// refused see what was before it. Confined to the loop of the client that runs it.
package final class RedisScript {
  /// Which answer a run gets that took effect twice.
  package enum Answer {
    case first
    case last
  }

  private final class Run {
    let command: [String]
    let answer: Answer
    let reply: (RedisOutcome) -> Void
    /// Whether it was sent again: then this is the answer to the first time.
    var isRepeated = false
    var firstOutcome: RedisOutcome?

    init(_ command: [String], _ answer: Answer, _ reply: @escaping (RedisOutcome) -> Void) {
      self.command = command
      self.answer = answer
      self.reply = reply
    }

    func answered(again outcome: RedisOutcome) {
      if answer == .first, case .value(let value)? = firstOutcome, !value.isMissingScript {
        reply(.value(value))
      } else {
        reply(outcome)
      }
    }
  }

  private let source: String
  private var digest: String?
  /// Runs in order by the digest that are not answered.
  private var underWay: Deque<Run> = []

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
    guard let digest else { return sendSource(with: whole, on: client, reply: reply) }
    client.send(RedisCommand(["EVALSHA", digest] + whole)) { [self] outcome in
      guard case .value(let value) = outcome, value.isMissingScript else { return reply(outcome) }
      sendSource(with: whole, on: client, reply: reply)
    }
  }

  /// The same, and the last run to take effect is the one sent last: behind one that is refused all
  /// that are on their way are sent again. The script must bear to run twice. Answers come in order.
  package func runInOrder(
    on client: RedisClient, key: String, _ arguments: [String], repeated answer: Answer = .last,
    reply: @escaping (RedisOutcome) -> Void
  ) {
    let whole = ["1", key] + arguments
    guard let digest else { return sendSource(with: whole, on: client, reply: reply) }
    let run = Run(whole, answer, reply)
    underWay.append(run)
    client.send(RedisCommand(["EVALSHA", digest] + whole)) { [self] outcome in
      answered(run, outcome, on: client)
    }
  }

  private func answered(_ run: Run, _ outcome: RedisOutcome, on client: RedisClient) {
    guard !run.isRepeated else {
      run.firstOutcome = outcome
      return
    }
    guard case .value(let value) = outcome, value.isMissingScript else {
      // The oldest, but for one that could not be sent.
      if let index = underWay.firstIndex(where: { $0 === run }) { underWay.remove(at: index) }
      return run.reply(outcome)
    }
    let repeated = underWay
    underWay = []
    for run in repeated {
      run.isRepeated = true
      sendSource(with: run.command, on: client) { run.answered(again: $0) }
    }
  }

  private func sendSource(
    with command: [String], on client: RedisClient, reply: @escaping (RedisOutcome) -> Void
  ) {
    client.send(RedisCommand(["EVAL", source] + command), reply: reply)
  }
}

extension RedisValue {
  fileprivate var isMissingScript: Bool {
    guard case .error(let message) = self else { return false }
    return message.hasPrefix("NOSCRIPT")
  }
}
