/// This node's lease, as its answers from Redis tell of it.
struct NodeLease {
  private enum State {
    case unheld
    case held
    /// A newer process of the same node has it; there is no way back.
    case taken
  }

  enum Action: Equatable {
    /// The first lease of this process.
    case acquired
    case unchanged
    /// The lease had lapsed or was wiped away, and with it perhaps the routes.
    case registrationsLost
    case taken(by: UInt64)
  }

  let epoch: UInt64
  private var state = State.unheld

  init(epoch: UInt64) { self.epoch = epoch }

  var isTaken: Bool { state == .taken }

  /// The answer to taking or renewing the lease: the epoch that held it before.
  mutating func renewed(previous: UInt64?) -> Action {
    switch state {
    case .taken:
      return .unchanged
    case .unheld, .held:
      if let previous, previous > epoch {
        state = .taken
        return .taken(by: previous)
      }
      let wasHeld = state == .held
      state = .held
      guard wasHeld else { return .acquired }
      return previous == epoch ? .unchanged : .registrationsLost
    }
  }
}
