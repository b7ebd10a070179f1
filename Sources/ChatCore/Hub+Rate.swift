import ChatProtocol

// How fast a user may send, over all devices and nodes: each entry takes a token out of a bucket that the
// registry keeps. A hub takes some at once and asks for more before it is out of them, so that a send
// waits for the registry only when the user has been silent.

/// The tokens that a hub has of a user's bucket.
struct Allowance {
  /// There are none before this.
  var emptyUntil: Int64 = 0
  /// Of this hub's own, for as long as the registry is out of reach.
  var spare = TokenBucket()
  var tokens: Int32 = 0
  var isAsking = false
}

extension Hub {
  /// Whether it is known that the user may send, or may not. If neither, the answer is on its way, and
  /// the command has to wait for it.
  func knowsAllowance(of user: User) -> Bool {
    guard limits.sendsPerMinute > 0, user.allowance.tokens == 0, now >= user.allowance.emptyUntil
    else { return true }
    askTokens(user)
    return false
  }

  /// Says false, and so to the client, when the user may not send now.
  func takeToken(_ session: Session, _ user: User, _ id: RequestID?) -> Bool {
    guard limits.sendsPerMinute > 0 else { return true }
    guard user.allowance.tokens == 0 else {
      user.allowance.tokens -= 1
      session.refusals = 0
      if user.allowance.tokens == tokensAtOnce(user) / 2, isHere(user) { askTokens(user) }
      return true
    }
    counters.refused += 1
    session.refusals += 1
    let wait = max(user.allowance.emptyUntil - now, 0)
    fail(
      session, id, .rateLimited, "too many sends", retryAfter: Int(wait / .milliseconds(1)) + 1)
    if session.refusals >= limits.refusalsMax {
      close(session, .rateLimited, "too many sends")
    }
    return false
  }

  /// Who is not connected has one command, and what is left of its tokens is lost.
  private func tokensAtOnce(_ user: User) -> Int {
    isHere(user) ? min(limits.tokensAtOnceMax, max(limits.sendsBurst / 4, 1)) : 1
  }

  private func isHere(_ user: User) -> Bool { !user.sessions.isEmpty }

  private var tokensPerSecond: Double { Double(limits.sendsPerMinute) / 60 }

  private func askTokens(_ user: User) {
    guard !user.allowance.isAsking, now >= user.allowance.emptyUntil else { return }
    user.allowance.isAsking = true
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.tokens(user)),
        operation: .takeTokens(
          user.id, count: tokensAtOnce(user), rate: tokensPerSecond, burst: limits.sendsBurst)))
  }

  func tokensTaken(_ user: User, _ result: RegistryReply.Result) {
    user.allowance.isAsking = false
    if case .tokens(let count, let wait) = result {
      user.allowance.spare = TokenBucket()
      add(count, wait, to: user)
    } else {
      counters.unavailable += 1
      takeSpare(user)
    }
    for session in user.sessions { runDeferred(session) }
    // Not among the user's sessions. Whoever is still without a token asks again.
    let askers = user.askers
    user.askers = []
    for session in askers { runDeferred(session) }
  }

  /// While nobody can say what other nodes have let through, each lets through as much.
  private func takeSpare(_ user: User) {
    let wait = user.allowance.spare.take(
      rate: tokensPerSecond, burst: limits.sendsBurst, now: now)
    add(wait == nil ? 1 : 0, wait ?? 0, to: user)
  }

  private func add(_ count: Int, _ wait: Int64, to user: User) {
    user.allowance.tokens += Int32(count)
    if user.allowance.tokens == 0 { user.allowance.emptyUntil = now + max(wait, 1) }
  }
}
