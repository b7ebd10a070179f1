package import ChatCore
internal import Reactor

/// What the buses of several nodes in one process share.
package final class InProcessNetwork: Sendable {
  fileprivate typealias Events = @Sendable (NodeEvent) -> Void

  fileprivate let nodes = Locked<[NodeID: Events]>([:])

  package init() {}
}

/// The message bus among the nodes of one process, of which there may be just one.
///
/// Delivers within the call, on the publisher's thread.
package final class InProcessBus: MessageBus {
  private let network: InProcessNetwork
  private let node: NodeID
  private let events: @Sendable (NodeEvent) -> Void

  /// - Parameter events: told of `arrived` and `returned`, on any publisher's thread.
  package init(
    node: NodeID, on network: InProcessNetwork = InProcessNetwork(),
    events: @escaping @Sendable (NodeEvent) -> Void
  ) {
    self.network = network
    self.node = node
    self.events = events
    network.nodes.withLock { $0[node] = events }
  }

  /// Takes the node off the network: what is sent to it is returned.
  package func stop() { network.nodes.withLock { $0[node] = nil } }

  package func publish(_ envelopes: [(destination: Destination, envelope: Envelope)]) {
    let nodes = network.nodes.withLock { $0 }
    var rest = envelopes[...]
    // Runs to one destination go together; the order among destinations stays as it was.
    while let destination = rest.first?.destination {
      let run = rest.prefix { $0.destination == destination }
      rest = rest.dropFirst(run.count)
      send(run.map(\.envelope), to: destination, among: nodes)
    }
  }

  private func send(
    _ envelopes: [Envelope], to destination: Destination,
    among nodes: [NodeID: InProcessNetwork.Events]
  ) {
    switch destination {
    case .node(let node):
      if let receiver = nodes[node] {
        receiver(.arrived(envelopes))
      } else {
        events(.returned(envelopes, from: node))
      }
    case .all:
      for (node, receiver) in nodes where node != self.node { receiver(.arrived(envelopes)) }
    }
  }
}
