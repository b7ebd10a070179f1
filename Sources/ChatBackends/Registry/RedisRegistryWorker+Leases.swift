internal import ChatCore
internal import RedisClient

// Whether what other nodes wrote still counts.
extension RedisRegistryWorker {
  func isLive(_ owner: RouteOwner) -> Bool {
    owner.node == node ? owner.epoch == lease?.epoch : leases.verdict(on: owner) == .live
  }

  func isOutdated(_ owner: RouteOwner) -> Bool {
    guard owner.node == node else { return leases.verdict(on: owner) == .outdated }
    return lease.map { owner.epoch < $0.epoch } ?? false
  }

  /// Asks for the leases that the cache cannot tell of, each node's once at a time.
  ///
  /// Also for those that had lapsed when last seen: a node that takes its lease again makes its
  /// registrations again and then compares heads. A message that is committed behind that, and
  /// looked up before the next refresh, would be missed by nobody until a minute later.
  ///
  /// - Parameter completion: told whether all have been answered.
  func askLeases(of owners: [RouteOwner], completion: @escaping (Bool) -> Void) {
    let unknown = owners.filter { $0.node != node && leases.mustBeAsked(about: $0) }
    let epochs = Dictionary(unknown.map { ($0.node, $0.epoch) }, uniquingKeysWith: max)
    guard !epochs.isEmpty else { return completion(true) }
    let pending = PendingLeases(count: epochs.count, completion)
    for (node, epoch) in epochs {
      leaseWaiters[node, default: []].append { [unowned self] leaseAnswer in
        if case .lease(let lease) = leaseAnswer {
          if leases.learned(node, lease: lease, asked: epoch) { noteEnd(of: node) }
          pending.answered(isKnown: true)
        } else {
          pending.answered(isKnown: false)
        }
      }
      guard leaseWaiters[node]?.count == 1 else { continue }
      ask(node) { [unowned self] leaseAnswer in
        for waiter in leaseWaiters.removeValue(forKey: node) ?? [] { waiter(leaseAnswer) }
      }
    }
  }
}

/// Counts the answers that one request waits for.
private final class PendingLeases {
  private var count: Int
  private var isComplete = true
  private let completion: (Bool) -> Void

  init(count: Int, _ completion: @escaping (Bool) -> Void) {
    self.count = count
    self.completion = completion
  }

  func answered(isKnown: Bool) {
    count -= 1
    isComplete = isComplete && isKnown
    if count == 0 { completion(isComplete) }
  }
}
