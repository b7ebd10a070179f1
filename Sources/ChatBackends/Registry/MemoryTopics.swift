internal import ChatCore

/// Which hubs want to hear of what.
struct MemoryTopics {
  private var subscriptions: [Topic: [HubKey: UInt64]] = [:]

  mutating func subscribe(_ hub: HubKey, epoch: UInt64, to topic: Topic) {
    guard subscriptions[topic]?[hub] ?? 0 <= epoch else { return }
    subscriptions[topic, default: [:]][hub] = epoch
  }

  mutating func unsubscribe(_ hub: HubKey, epoch: UInt64, from topic: Topic) {
    guard subscriptions[topic]?[hub] == epoch else { return }
    subscriptions[topic]?[hub] = nil
    if subscriptions[topic]?.isEmpty == true { subscriptions[topic] = nil }
  }

  /// In rising order, each once. Forgets the others: here a lease that has ended never comes back.
  mutating func subscribers(of topic: Topic, leases: [NodeID: UInt64]) -> [NodeID] {
    guard let hubs = subscriptions[topic] else { return [] }
    let live = hubs.filter { leases[$0.key.node] == $0.value }
    if live.count < hubs.count { subscriptions[topic] = live.isEmpty ? nil : live }
    return Set(live.keys.map(\.node)).sorted()
  }
}
