package import ChatProtocol

/// A node's name, as given by `--node-id`: 1 to 64 bytes of `[a-z0-9._-]`.
package struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let name: String

  package init?(_ name: String) {
    guard let name = UserID(name)?.name, name != "all" else { return nil }
    self.name = name
  }

  package static func < (left: NodeID, right: NodeID) -> Bool { left.name < right.name }
  package var description: String { name }
}

/// Knows which node holds which device of which user.
///
/// What it answers may be kept, for as long as it says when it becomes wrong: an answer that is
/// *guarded* is followed by `NodeEvent.routesChanged` at the user's next registration or removal by
/// anybody, or by `routesForgotten`, or by `nodeLost` where only a lease ended. These come behind
/// the answer that they make wrong, but may come late. Whoever acted on a kept answer asks for a
/// `barrier`: when that is passed, all changes made before it was asked for have been told.
package protocol Registry: Sendable {
  func submit(_ batch: [RegistryRequest], reply: @escaping @Sendable ([RegistryReply]) -> Void)
}

package struct RegistryRequest: Sendable {
  package var token: UInt64
  package var operation: Operation

  package enum Operation: Sendable {
    /// Makes this node's connection the owner of the device, whoever owned it before.
    case register(UserID, device: String, connection: String)
    /// Makes it the owner once more, unless another connection of a live node has become it: that is a
    /// newer one, and shall not lose the device to an older.
    case registerAgain(UserID, device: String, connection: String)
    /// Removes the device if this node and this connection still own it, else does nothing.
    case unregister(UserID, device: String, connection: String)
    /// The nodes with a live lease that hold a device of this user.
    case nodes(of: UserID)
    /// Answered behind the events of all changes that were made before.
    case barrier
    /// This hub of the node wants to hear what is said on a topic, or no longer. Requests for one
    /// topic take effect in the order given.
    case subscribe(Topic, shard: Int)
    case unsubscribe(Topic, shard: Int)
    /// The nodes with a live lease, this one perhaps among them, of which a hub is subscribed. What
    /// is known of another node's lease may be a second old.
    case subscribers(of: Topic)
    /// What a user's devices on this hub are doing: `offline` when there is none any more. Answered
    /// with the presence over all hubs and nodes with a live lease that it makes. Requests for one
    /// user take effect in the order given.
    case setPresence(UserID, PresenceState, shard: Int, at: Timestamp)
    case presence(of: UserID)
    /// Takes up to so many of the user's tokens, which come back at `rate` a second up to `burst`,
    /// for all nodes together, by one clock. All three are above 0, and the rate is finite.
    case takeTokens(UserID, count: Int, rate: Double, burst: Int)
    /// Makes this node the holder of a client's session, unless another node with a live lease is;
    /// answers with whoever is it then. The name has at most 255 bytes. A holder claims again in
    /// time: see `sessionClaimTime`. Requests for one session take effect in the order given, but
    /// for a claim that meets a holder whose lease has ended, which is made again.
    case claimSession(String)
    /// The node with a live lease that holds the session.
    case sessionHolder(String)
    /// Forgets the session if this node holds it, else does nothing.
    case releaseSession(String)
  }

  /// How long a claim holds, from the last time that it was made.
  package static let sessionClaimTime = Duration.seconds(3600)
  /// How long it is known when a user was there last.
  package static let lastSeenTime = Duration.seconds(90 * 86_400)

  package init(token: UInt64, operation: Operation) {
    self.token = token
    self.operation = operation
  }
}

package struct RegistryReply: Sendable {
  package var token: UInt64
  package var result: Result

  package enum Result: Sendable, Equatable {
    /// The answer to `register` names the owner before, if another connection of a live node was.
    case registered(replaced: RouteOwner?)
    /// The answer to `registerAgain` when another connection is the owner, and stays it.
    case overtaken
    case unregistered
    /// In rising order, each once.
    case nodes([NodeID], isGuarded: Bool)
    case passed
    /// The answer to the requests about sessions; nil: nobody.
    case holder(NodeID?)
    case subscribed
    case unsubscribed
    /// In rising order, each once.
    case subscribers([NodeID])
    /// `lastSeen` is the time of the user's last `setPresence`: a node that crashes has no time to
    /// say when its users were there last.
    case presence(Presence)
    /// How many were taken; if none, in how many nanoseconds there will be one.
    case tokens(count: Int, wait: Int64)
    /// Nobody can say, or it is not known to be done. Registrations, subscriptions and presences
    /// are asked for again by `NodeEvent.registrationsLost`. Removals (`unregister`, `unsubscribe`,
    /// `setPresence` to `offline`) are made up for, unless the contrary was asked for meanwhile,
    /// and nobody is told of it: whoever has to tell others that a user went asks again.
    case unavailable
  }

  package init(token: UInt64, result: Result) {
    self.token = token
    self.result = result
  }
}

/// What several hubs may want to hear of.
package enum Topic: Hashable, Sendable {
  /// What is written in a room; its name without the sigil.
  case room(String)
  /// Whether a user is there.
  case presence(UserID)
}

/// Who holds a device: `node/epoch/connection`.
package struct RouteOwner: Hashable, Sendable, CustomStringConvertible {
  package var node: NodeID
  package var epoch: UInt64
  /// Unique within the epoch of a node; contains no slash.
  package var connection: String

  package init(node: NodeID, epoch: UInt64, connection: String) {
    self.node = node
    self.epoch = epoch
    self.connection = connection
  }

  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, let node = NodeID(String(parts[0])), let epoch = UInt64(parts[1]),
      !parts[2].isEmpty
    else { return nil }
    self.init(node: node, epoch: epoch, connection: String(parts[2]))
  }

  package var description: String { "\(node)/\(epoch)/\(connection)" }
}
