import ChatProtocol

// To other nodes by topic: one envelope per node that is subscribed, whoever is there. The look-up
// starts after the commit, as that of a user does; see `Hub+Rooms.swift`.

/// The nodes that are subscribed to a topic, for the envelopes of one turn.
final class TopicLookup {
  let topic: Topic
  var envelopes: [Envelope] = []

  init(topic: Topic) { self.topic = topic }
}

extension Hub {
  func publish(_ envelope: Envelope, to topic: Topic) {
    topicLookup(topic).envelopes.append(envelope)
  }

  private func topicLookup(_ topic: Topic) -> TopicLookup {
    if let lookup = openTopicLookups[topic] { return lookup }
    let lookup = TopicLookup(topic: topic)
    openTopicLookups[topic] = lookup
    counters.lookups += 1
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.topicLookup(lookup)), operation: .subscribers(of: topic)))
    return lookup
  }

  func lookedUp(_ lookup: TopicLookup, _ result: RegistryReply.Result) {
    guard case .subscribers(let nodes) = result else {
      for envelope in lookup.envelopes { broadcast(envelope) }
      return
    }
    for node in nodes where node != self.node.id {
      for envelope in lookup.envelopes { publish(envelope, to: .node(node)) }
    }
  }

  /// The registry cannot say where. A message beyond the rate waits in the log for the next sweep of
  /// the room's members; what is not stored is lost.
  private func broadcast(_ envelope: Envelope) {
    guard case .deliver = envelope else { return }
    let wait = broadcastBucket.take(
      rate: Double(limits.broadcastsPerSecond), burst: limits.broadcastsBurst, now: now)
    guard wait == nil else {
      counters.broadcastsDropped += 1
      return
    }
    counters.broadcasts += 1
    publish(envelope, to: .all)
  }
}
