/// One timer of a loop with a closure to run, for owners that watch no descriptor of their own.
package final class LoopTimer: EventHandler {
  private let loop: EventLoop
  private var token: Token?
  /// Runs on the loop. Set it before the timer.
  package var handler: () -> Void = {}

  package init(on loop: EventLoop) { self.loop = loop }

  /// Arms the timer, in place of what it was armed for; it fires once.
  package func set(at deadline: Instant) {
    loop.setTimer(for: addedToken(), at: deadline)
  }

  /// Runs the handler in the next turn, which does not wait for events, whatever the timer is armed for.
  package func fireInNextTurn() {
    loop.fireInNextTurn(addedToken())
  }

  private func addedToken() -> Token {
    if let token { return token }
    let added = loop.add(self)
    token = added
    return added
  }

  package func cancel() {
    if let token { loop.cancelTimer(for: token) }
  }

  /// Lets go of the loop, which keeps a timer that was ever used alive until then.
  package func remove() {
    if let token { loop.remove(token) }
    token = nil
  }

  package func timerFired() { handler() }
}
