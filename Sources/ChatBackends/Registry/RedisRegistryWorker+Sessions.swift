internal import ChatCore
internal import RedisClient

// Which node holds which client's session, where a client's requests may come to any node.
extension RedisRegistryWorker {
  /// Makes this node the holder unless another is: the script gives way to whoever is named there,
  /// and only when that one turns out to be dead, it is told to replace exactly that one.
  func claimSession(_ name: String, _ batch: ReplyBatch, _ token: UInt64) {
    guard let owner = owner(RegistrySchema.sessionConnection) else {
      return answer(batch, token, .unavailable)
    }
    claim(name, owner, replacing: "", attempts: Self.claimAttemptsMax) { [unowned self] result in
      answer(batch, token, result)
    }
  }

  /// Claims that each found another dead holder; more in a row is not worth waiting for.
  private static let claimAttemptsMax = 3

  private func claim(
    _ name: String, _ owner: RouteOwner, replacing former: String, attempts: Int,
    completion: @escaping (RegistryReply.Result) -> Void
  ) {
    let seconds = RegistryRequest.sessionClaimTime.components.seconds
    run(
      RegistrySchema.claimSession, RegistrySchema.session(name),
      [owner.description, former, String(seconds)]
    ) { [unowned self] outcome in
      guard case .value(let value) = outcome, let text = value.text, let holder = RouteOwner(text)
      else { return completion(.unavailable) }
      guard holder != owner else { return completion(.holder(owner.node)) }
      whenLive(holder) { [unowned self] verdict in
        switch verdict {
        case true?: completion(.holder(holder.node))
        case false? where attempts > 1:
          claim(
            name, owner, replacing: text, attempts: attempts - 1, completion: completion)
        case false?, nil: completion(.unavailable)
        }
      }
    }
  }

  func findSession(_ name: String, _ batch: ReplyBatch, _ token: UInt64) {
    client.send(RedisCommand(["GET", RegistrySchema.session(name)])) { [unowned self] outcome in
      guard case .value(let value) = outcome, !value.isError else {
        return answer(batch, token, .unavailable)
      }
      guard let holder = value.text.flatMap({ RouteOwner($0) }) else {
        return answer(batch, token, .holder(nil))
      }
      whenLive(holder) { [unowned self] verdict in
        answer(
          batch, token, verdict.map { .holder($0 ? holder.node : nil) } ?? .unavailable)
      }
    }
  }

  func releaseSession(_ name: String, _ batch: ReplyBatch, _ token: UInt64) {
    guard let owner = owner(RegistrySchema.sessionConnection) else {
      return answer(batch, token, .unavailable)
    }
    run(RegistrySchema.release, RegistrySchema.session(name), [owner.description]) {
      [unowned self] outcome in
      guard case .value(let value) = outcome, !value.isError else {
        return answer(batch, token, .unavailable)
      }
      answer(batch, token, .holder(nil))
    }
  }

  /// Tells whether the holder's lease lives; nil: nobody can say.
  private func whenLive(_ holder: RouteOwner, _ completion: @escaping (Bool?) -> Void) {
    askLeases(of: [holder]) { [unowned self] isComplete in
      completion(isComplete ? isLive(holder) : nil)
    }
  }
}
