package import ChatProtocol

/// What the back ends tell every hub of the node without being asked.
package enum NodeEvent: Sendable {
  case arrived([Envelope])
  /// The destination has no queue: its route is dead.
  case returned([Envelope], from: NodeID)
  /// The bus is away: nothing comes from other nodes, nor goes to them.
  case busInterrupted
  /// The bus was away and is back; envelopes from and to this node may have been lost.
  case busRecovered
  /// The node's process has ended; what it committed last, it may not have told anybody.
  case nodeLost(NodeID)
  /// The registry forgot this node's registrations, subscriptions and presence (it was restarted,
  /// flushed, or out of reach for longer than the lease); make them again.
  case registrationsLost
  /// A registration that was not known to be done, of a connection that has gone meanwhile, was found and
  /// removed. It may have come late, and have taken the device from a connection that is there.
  case registrationUndone(UserID, device: String)
  /// Guarded answers for these users may be wrong from now on.
  case routesChanged([UserID])
  /// No answer is guarded any more.
  case routesForgotten
}
