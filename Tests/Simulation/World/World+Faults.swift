import ChatCore

extension World {
  package struct Faults: Sendable {
    var crashes = false
    var busOutages = false
    /// The bus does not come back after all; who has nothing else compares heads meanwhile.
    var isBusAwayToTheEnd = false
    /// Of a thousand batches of envelopes.
    var batchesLost = 0
    var registryOutages = false
    var registryFlushes = false
    /// The news of changed routes get lost for a while.
    var guardLosses = false
    var storeOutages = false
    var congestion = false
    /// Devices say hello again while their connection before is still open for a while.
    var takeovers = false
    /// Old entries are removed from the store.
    var removals = false
    /// Envelopes take up to this long; longer than `holeDelay` makes hubs ask the store.
    var busDelayMax = Int64.milliseconds(80)
    /// News of changed routes take up to this long.
    var newsDelayMax = Int64.milliseconds(10)
    /// Above 0, loops are busy: what is due, such as the next share of a large room, is done up to this
    /// late, and only then.
    var timerDelayMax: Int64 = 0
  }
}

// MARK: - Injection

extension World {
  func scheduleFaults(over span: Int64) {
    func sometimes(_ isOn: Bool, _ fault: @escaping () -> Void) {
      guard isOn else { return }
      for _ in 0..<2 {
        schedule(at: Int64.random(in: 0..<span, using: &random)) { [self] in
          if !isQuiet { fault() }
        }
      }
    }
    sometimes(faults.crashes) { [self] in crash() }
    sometimes(faults.busOutages) { [self] in
      interruptBus()
      schedule(after: delay(upTo: .seconds(3))) { [self] in restoreBus() }
    }
    sometimes(faults.registryOutages) { [self] in
      isRegistryDown = true
      for node in nodes { endGuard(of: node) }
      schedule(after: delay(upTo: .seconds(3))) { [self] in
        if isRegistryDown { restoreRegistry() }
      }
    }
    sometimes(faults.guardLosses) { [self] in
      guard let node = nodes.randomElement(using: &random), node.isUp else { return }
      node.routeGuard.isBroken = true
      let delay = delay(upTo: .seconds(3))
      faultEnds(at: now + delay)
      schedule(after: delay) { [self] in endGuard(of: node) }
    }
    sometimes(faults.registryFlushes) { [self] in
      registry.flush()
      faultEnds(at: now + .seconds(1))
      for node in nodes {
        sendNews(to: node) { [self] isHeard in if isHeard { endGuard(of: node) } }
        schedule(after: delay(upTo: .seconds(1))) { [self] in tell(node, .registrationsLost) }
      }
    }
    sometimes(faults.removals) { [self] in
      for conversation in store.logs.keys.sorted() {
        let last = UInt64.random(in: 0...store.head(conversation), using: &random)
        store.remove(upTo: last, in: conversation)
      }
    }
    sometimes(faults.storeOutages) { [self] in
      isStoreDown = true
      schedule(after: delay(upTo: .seconds(2))) { [self] in isStoreDown = false }
    }
  }

  private func interruptBus() {
    isBusDown = true
    for node in nodes { tell(node, .busInterrupted) }
  }

  private func restoreBus() {
    guard isBusDown else { return }
    isBusDown = false
    for node in nodes { tell(node, .busRecovered) }
  }

  private func crash() {
    let index = Int.random(in: 0..<nodes.count, using: &random)
    let node = nodes[index]
    guard node.isUp else { return }
    node.isUp = false
    note("\(node.id) crashes")
    for device in devices where device.hub?.node === node { connectionLost(device) }
    // The lease outlives the process, unless a new one takes it over first; and the others look
    // at it every second.
    schedule(after: .seconds(13)) { [self] in
      guard registry.leases[node.id] == node.epoch else { return }
      registry.leases[node.id] = nil
      leaseEnded(node)
    }
    let restartDelay = delay(upTo: .seconds(20))
    faultEnds(at: now + restartDelay + .seconds(1))
    schedule(after: restartDelay) { [self] in
      guard !nodes[index].isUp else { return }
      let hadLease = registry.leases[node.id] == node.epoch
      node.end()
      nodes[index] = makeNode(node.id, epoch: node.epoch + 1)
      if hadLease { leaseEnded(node) }
    }
  }

  /// The others notice at their next refresh.
  private func leaseEnded(_ node: SimulatedNode) {
    for other in nodes where other !== node {
      schedule(after: delay(upTo: .seconds(1))) { [self] in tell(other, .nodeLost(node.id)) }
    }
  }

  func heal() {
    // What a node has not told when it goes, nobody shows by writing on.
    if faults.crashes { crash() }
    isQuiet = true
    if isRegistryDown { restoreRegistry() }
    isStoreDown = false
    if faults.isBusAwayToTheEnd { interruptBus() } else { restoreBus() }
    faultEnds(at: now)
    for device in devices {
      guard let hub = device.hub, let session = device.session else { continue }
      hub.post(in: self) { $0.setCongested(session, false) }
    }
  }

  /// Nodes make up for the removals that failed, and make their registrations again.
  private func restoreRegistry() {
    isRegistryDown = false
    faultEnds(at: now + .seconds(1))
    for node in nodes where node.isUp {
      schedule(after: delay(upTo: .seconds(1))) { [self] in
        guard node.isUp, !isRegistryDown else { return }
        for removal in node.failedRemovals.takeAll() { _ = performRegistry(removal, from: node) }
        tell(node, .registrationsLost)
      }
    }
  }

  /// The node notices that it does not hear of changes, or not of all.
  private func endGuard(of node: SimulatedNode) {
    node.routeGuard.generation += 1
    node.routeGuard.isBroken = false
    tell(node, .routesForgotten)
    let unheard = node.routeGuard.unheard
    node.routeGuard.unheard = []
    for news in unheard { news(false) }
  }
}
