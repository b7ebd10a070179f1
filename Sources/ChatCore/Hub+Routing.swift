import ChatProtocol

// To other nodes: ask the registry where the members are, then one envelope per node and message.
//
// Why nobody forwards a message to a user who has moved. A hub registers a device, waits for the
// answer, and only then reads the log; until then it holds what arrives. A look-up starts after
// the commit. So either it sees the new registration, and the message goes to the new node; or it
// came before the registration, then so did the commit, and the read of the log, which came after
// the registration, has the message. The old node has nothing to do. This needs a registry and
// a store that answer with what was last written, and look-ups that are not shared with messages
// committed after they were sent. What falls out when a server loses its memory, the sweeps find.

/// One user's whereabouts, for the messages of one turn.
final class Lookup {
  let user: UserID
  var fanouts: [Fanout] = []

  init(user: UserID) { self.user = user }
}

/// A committed message on its way to the nodes of its recipients.
final class Fanout {
  let message: Message
  let recipients: [UserID]
  /// How often it came back from a dead route.
  let hops: UInt8
  var lookupsLeft: Int
  var isUnknown = false
  /// A handful of nodes, each with the recipients there.
  var destinations: [(node: NodeID, recipients: [UserID])] = []

  init(_ message: Message, to recipients: [UserID], hops: UInt8) {
    self.message = message
    self.recipients = recipients
    self.hops = hops
    lookupsLeft = recipients.count
  }
}

extension Hub {
  func route(_ message: Message, to recipients: [UserID], hops: UInt8 = 0) {
    let fanout = Fanout(message, to: recipients, hops: hops)
    for recipient in recipients { lookup(recipient).fanouts.append(fanout) }
  }

  /// Joins a look-up that has not left yet. One that has may not see the registrations that came
  /// before this message's commit.
  private func lookup(_ user: UserID) -> Lookup {
    if let lookup = openLookups[user] { return lookup }
    let lookup = Lookup(user: user)
    openLookups[user] = lookup
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.lookup(lookup)), operation: .nodes(of: user)))
    return lookup
  }

  func lookedUp(_ lookup: Lookup, _ result: RegistryReply.Result) {
    for fanout in lookup.fanouts {
      if case .nodes(let nodes) = result {
        for node in nodes where node != self.node.id { fanout.add(lookup.user, at: node) }
      } else {
        fanout.isUnknown = true
      }
      fanout.lookupsLeft -= 1
      if fanout.lookupsLeft == 0 { publish(fanout) }
    }
  }

  private func publish(_ fanout: Fanout) {
    guard !fanout.isUnknown else {
      broadcast(fanout)
      return
    }
    for (node, recipients) in fanout.destinations {
      publish(
        .deliver(
          Delivery(message: fanout.message, recipients: recipients, hops: fanout.hops)),
        to: .node(node))
    }
  }

  func publish(_ envelope: Envelope, to destination: Destination) {
    counters.published += 1
    effects.publications.append((destination, envelope))
  }

  /// The registry cannot say where: to every node, as far as the rate allows. Beyond it the
  /// message waits in the log for the recipients' next sweep.
  private func broadcast(_ fanout: Fanout) {
    let rate = Double(limits.broadcastsPerSecond)
    let wait = broadcastBucket.take(rate: rate, burst: limits.broadcastsBurst, now: now)
    guard wait == nil else {
      counters.broadcastsDropped += 1
      return
    }
    counters.broadcasts += 1
    publish(
      .deliver(
        Delivery(message: fanout.message, recipients: fanout.recipients, hops: fanout.hops)),
      to: .all)
  }

  /// A node had no queue. Its users may be elsewhere by now: they are looked up again, at most
  /// `Delivery.hopsMax` times; then they find the message in the log when they come.
  func routeDied(_ node: NodeID, _ envelopes: [Envelope]) {
    // Every hub of the node hears of it; one acts.
    guard self.node.shard == 0, !isAlone else { return }
    counters.deadRoutes += envelopes.count
    for case .deliver(let delivery) in envelopes where delivery.hops < Delivery.hopsMax {
      route(delivery.message, to: delivery.recipients, hops: delivery.hops + 1)
    }
  }
}

extension Fanout {
  fileprivate func add(_ user: UserID, at node: NodeID) {
    if let index = destinations.firstIndex(where: { $0.node == node }) {
      destinations[index].recipients.append(user)
    } else {
      destinations.append((node, [user]))
    }
  }
}
