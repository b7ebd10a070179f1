/// Carries envelopes to other nodes: fast, and allowed to lose; the store decides what is true.
package protocol MessageBus: Sendable {
  /// Envelopes to one destination arrive in the order given, as long as the broker stays up.
  /// While it is away they are dropped beyond a bound: see `NodeEvent.busRecovered`.
  func publish(_ envelopes: [(destination: Destination, envelope: Envelope)])
}

package enum Destination: Hashable, Sendable {
  case node(NodeID)
  /// Every node but this one.
  case all
}
