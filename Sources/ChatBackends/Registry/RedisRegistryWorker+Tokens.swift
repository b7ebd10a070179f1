internal import ChatCore
internal import ChatProtocol
internal import RedisClient

extension RedisRegistryWorker {
  func takeTokens(
    _ count: Int, of user: UserID, rate: Double, burst: Int, _ batch: ReplyBatch, _ token: UInt64
  ) {
    // In whatever order: tokens are alike.
    takeTokens.run(
      on: client, key: RegistrySchema.tokens(of: user), [String(count), "\(rate)", String(burst)]
    ) { [unowned self] outcome in
      guard case .value(.array(let numbers)) = outcome, numbers.count == 2,
        case .integer(let taken) = numbers[0], case .integer(let wait) = numbers[1],
        (0...Int64(count)).contains(taken)
      else { return answer(batch, token, .unavailable) }
      let microseconds = min(max(wait, 0), Self.tokenWaitMax)
      answer(batch, token, .tokens(count: Int(taken), wait: microseconds * 1_000))
    }
  }

  /// Thirty years, in microseconds.
  private static let tokenWaitMax: Int64 = 1_000_000_000_000_000
}
