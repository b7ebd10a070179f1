import ChatProtocol

// To other nodes: one envelope per message and node that holds recipients. Where they are, the
// registry says; what it said is kept while it guards it.
//
// Why no message misses a user who moves, and nobody forwards one. A hub registers a device, waits
// for the answer, and only then reads the log; until then it holds what arrives. A look-up starts
// after the commit. So either it sees the new registration, and the message goes to the new node;
// or it came before the registration, then so did the commit, and the read of the log, which came
// after the registration, has the message. The old node has nothing to do. This needs a registry
// and a store that answer with what was last written, and look-ups that are not shared with
// messages committed after they were sent.
//
// A kept route may be out of date when a message goes by it. So the message stays on a list until
// a barrier asked for afterwards is passed. If by then the registry has not told of a change, the
// route was right when the barrier was made: as good as a look-up at that moment, which is after
// the commit. If it has, the recipient is looked up anew, which again is after the commit, and the
// message goes to the nodes that it has not gone to. Late news delay the message and lose nothing.
// When the registry can no longer tell, everything on the list is looked up anew.
//
// An envelope tells where its sender is, but nothing is learned from that: of the sender's other
// devices it says nothing, and nobody would tell when the device moves.
//
// What falls out when a server loses its memory, the sweeps find.

extension Hub {
  func route(_ message: Message, to recipients: [UserID]) {
    if routeAsKept(message, to: recipients) {
      counters.routedAsKept += 1
    } else {
      lookUp(Fanout(.message(message), to: recipients))
    }
  }

  func publish(_ envelope: Envelope, to destination: Destination) {
    counters.published += 1
    effects.publications.append((destination, envelope))
  }

  // MARK: - By kept routes

  /// Says false when a recipient's route is not known, or too many messages wait for a barrier.
  private func routeAsKept(_ message: Message, to recipients: [UserID]) -> Bool {
    guard !routes.isFull else { return false }
    routesFound.removeAll(keepingCapacity: true)
    for recipient in recipients {
      guard let route = routes.route(to: recipient) else { return false }
      routesFound.append(route)
    }
    routes.sent(message, to: recipients, by: routesFound)
    scheduleBarrier()
    publish(message, by: routesFound)
    return true
  }

  private func publish(_ message: Message, by routes: [RouteCache.Route], hops: UInt8 = 0) {
    let elsewhere = routes.lazy.filter { !$0.nodes.isEmpty }
    guard let first = elsewhere.first else { return }
    guard elsewhere.dropFirst().isEmpty else {
      let fanout = Fanout(.message(message), to: [], hops: hops)
      for route in elsewhere { fanout.add(route.recipients, at: route.nodes) }
      return publish(fanout)
    }
    // Mostly one recipient is elsewhere, at one node.
    for node in first.nodes {
      publish(
        .deliver(Delivery(message: message, recipients: first.recipients, hops: hops)),
        to: .node(node))
    }
  }

  /// One at a time, and not faster than `barrierInterval`: nothing waits for it but memory.
  private func scheduleBarrier() {
    guard !isBarrierUnderWay else { return }
    isBarrierUnderWay = true
    alarms.set(.barrier, at: now + limits.barrierInterval)
  }

  func requestBarrier() {
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.barrier(below: routes.nextNumber)), operation: .barrier))
  }

  func barrierAnswered(below number: UInt64, _ result: RegistryReply.Result) {
    isBarrierUnderWay = false
    if case .passed = result { routes.verified(below: number) } else { forgetRoutes() }
    if routes.unverifiedCount > 0 { scheduleBarrier() }
  }

  func routesChanged(_ users: [UserID]) {
    for user in users { routeChanged(user) }
  }

  private func routeChanged(_ user: UserID) {
    guard let (route, messages) = routes.remove(user) else { return }
    counters.routesChanged += 1
    counters.reroutes += messages.count
    for message in messages { lookUp(Fanout(.message(message), to: [user], sent: route.nodes)) }
  }

  func forgetRoutes() {
    let routed = routes.removeAll()
    counters.reroutes += routed.count
    for routed in routed { lookUp(Fanout(.message(routed.message), to: routed.recipients)) }
  }

  // MARK: - By look-ups

  /// By kept routes as they are: nothing is lost with a signal that goes astray.
  func route(_ signal: Signal, to recipients: [UserID]) {
    let fanout = Fanout(.signal(signal), to: [])
    var unknown: [UserID] = []
    for recipient in recipients {
      if let route = routes.route(to: recipient) {
        fanout.add(route.recipients, at: route.nodes)
      } else {
        unknown.append(recipient)
      }
    }
    publishFound(fanout)
    if !unknown.isEmpty { lookUp(Fanout(.signal(signal), to: unknown)) }
  }

  private func lookUp(_ fanout: Fanout) {
    for recipient in fanout.recipients { lookup(recipient).fanouts.append(fanout) }
  }

  /// Joins a look-up that has not left yet. One that has may not see the registrations that came
  /// before this message's commit.
  private func lookup(_ user: UserID) -> Lookup {
    if let lookup = openLookups[user] { return lookup }
    let lookup = Lookup(user: user)
    openLookups[user] = lookup
    counters.lookups += 1
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.lookup(lookup)), operation: .nodes(of: user)))
    return lookup
  }

  func lookedUp(_ lookup: Lookup, _ result: RegistryReply.Result) {
    var nodes: [NodeID]?
    if case .nodes(let found, let isGuarded) = result {
      let others = found.filter { $0 != node.id }
      if isGuarded { keep(others, of: lookup.user) }
      nodes = others
    }
    for fanout in lookup.fanouts {
      if let nodes {
        fanout.add([lookup.user], at: nodes)
      } else {
        fanout.isUnknown = true
      }
      fanout.lookupsLeft -= 1
      if fanout.lookupsLeft == 0 { publish(fanout) }
    }
  }

  private func keep(_ nodes: [NodeID], of user: UserID) {
    // Two look-ups were under way. The later answer differs when a lease has come or gone.
    if let route = routes.route(to: user) {
      guard route.nodes != nodes else { return }
      routeChanged(user)
    }
    routes.insert(nodes, of: user)
  }

  private func publish(_ fanout: Fanout) {
    guard !fanout.isUnknown else {
      broadcast(fanout)
      return
    }
    publishFound(fanout)
  }

  private func publishFound(_ fanout: Fanout) {
    for (node, recipients) in fanout.destinations {
      publish(fanout.envelope(to: recipients), to: .node(node))
    }
  }

  /// The registry cannot say where: to every node, as far as the rate allows. Beyond it the
  /// message goes where its recipients were last, or waits in the log for their next sweep.
  private func broadcast(_ fanout: Fanout) {
    guard case .message(let message) = fanout.payload else { return publishFound(fanout) }
    let rate = Double(limits.broadcastsPerSecond)
    let wait = broadcastBucket.take(rate: rate, burst: limits.broadcastsBurst, now: now)
    guard wait == nil else {
      let guesses = fanout.recipients.compactMap { routes.guess($0) }
      if guesses.count < fanout.recipients.count { counters.broadcastsDropped += 1 }
      publishFound(fanout)
      return publish(message, by: guesses, hops: fanout.hops)
    }
    counters.broadcasts += 1
    publish(fanout.envelope(to: fanout.recipients), to: .all)
  }

  /// A node had no queue. Its users may be elsewhere by now: they are looked up again, at most
  /// `Delivery.hopsMax` times; then they find the message in the log when they come.
  func routeDied(_ node: NodeID, _ envelopes: [Envelope]) {
    guard !isAlone else { return }
    for case .deliver(let delivery) in envelopes {
      for recipient in delivery.recipients { routeChanged(recipient) }
    }
    // Every hub of the node hears of it; one acts.
    guard self.node.shard == 0 else { return }
    counters.deadRoutes += envelopes.count
    for case .deliver(let delivery) in envelopes
    where delivery.hops < Delivery.hopsMax && !delivery.recipients.isEmpty {
      lookUp(Fanout(.message(delivery.message), to: delivery.recipients, hops: delivery.hops + 1))
    }
  }
}
