internal import ChatCore

/// What is known of the nodes' leases, so that a look-up need not ask for them.
struct LeaseCache {
  enum Verdict: Equatable {
    case live
    /// The node has no lease; it may take it again in the same epoch.
    case lapsed
    /// The node has started again since, so this route can never be valid again.
    case outdated
    /// Nothing is known of it.
    case unknown
  }

  private enum State {
    case live
    /// It was live when Redis was last heard of, and has to be asked for.
    case doubted
    /// It was doubted, and was not there: perhaps Redis forgot it, and the node is just writing it
    /// again.
    case missed
    case ended
  }

  private struct Entry {
    /// The newest epoch seen in a lease, or asked for.
    var epoch: UInt64
    var state: State
    /// Refreshes in a row that found no lease.
    var absences = 0
  }

  /// Nodes remembered; beyond, all are forgotten and asked for anew.
  static let nodesMax = 4_096
  /// Refreshes without a lease after which a node is forgotten.
  static let absencesMax = 60

  private var entries: [NodeID: Entry] = [:]

  /// The nodes to ask for at the next refresh.
  var nodes: [NodeID] { Array(entries.keys) }

  func verdict(on owner: RouteOwner) -> Verdict {
    guard let entry = entries[owner.node], owner.epoch <= entry.epoch else { return .unknown }
    if owner.epoch < entry.epoch { return .outdated }
    return switch entry.state {
    case .live: .live
    case .doubted: .unknown
    case .missed, .ended: .lapsed
    }
  }

  /// Whether the answer is missing, or may have changed for the better since.
  func mustBeAsked(about owner: RouteOwner) -> Bool {
    switch verdict(on: owner) {
    case .unknown, .lapsed: true
    case .live, .outdated: false
    }
  }

  /// Takes in the lease's value, nil when there is none. `asked`: the epoch of the route that
  /// caused the question, if one did.
  ///
  /// Tells whether the process that held the lease when last asked holds it no more.
  mutating func learned(_ node: NodeID, lease epoch: UInt64?, asked: UInt64 = 0) -> Bool {
    let former = entries[node]
    if entries.count >= Self.nodesMax, former == nil { entries.removeAll() }
    if let epoch {
      entries[node] = Entry(epoch: epoch, state: .live)
      return former.map { $0.state != .ended && $0.epoch != epoch } ?? false
    }
    guard var entry = former else {
      if asked > 0 { entries[node] = Entry(epoch: asked, state: .ended) }
      return false
    }
    entry.epoch = max(entry.epoch, asked)
    entry.state =
      switch entry.state {
      case .doubted: .missed
      case .missed where asked > 0: .missed
      case .live, .missed, .ended: .ended
      }
    // Look-ups may ask many times between two refreshes.
    if asked == 0 { entry.absences += 1 }
    entries[node] = entry.absences < Self.absencesMax ? entry : nil
    return entry.state == .ended && former?.state != .ended
  }

  /// Redis is out of reach, and what the nodes do meanwhile is not heard of. The end of a lease
  /// that was live before will be told nevertheless.
  mutating func doubtAll() {
    for (node, entry) in entries {
      entries[node] =
        entry.state == .ended ? nil : Entry(epoch: entry.epoch, state: .doubted)
    }
  }
}
