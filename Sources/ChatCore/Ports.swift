package import ChatProtocol

// What ChatCore needs from the outside. Each port has an implementation in memory or embedded and
// one over a real server; one contract suite in ChatBackendsTests holds both to this text.
//
// All three are called from any event loop and never block. Answers come through the `reply`
// closure, on a thread of the implementation's choosing, in batches; a hub's closure only posts
// to that hub's mailbox. Every request is answered exactly once, also when the server is away.

// MARK: - Messages

/// Keeps messages. An answered append is committed: it survives a crash of this process and of
/// the machine as far as the database promises it.
package protocol MessageStore: Sendable {
  /// Requests of one batch, and of successive batches from one thread, that touch the same
  /// conversation take effect in the order given. Appends are committed in groups: whatever
  /// queued up during one commit goes into the next.
  func submit(_ batch: [StoreRequest], reply: @escaping @Sendable ([StoreReply]) -> Void)
}

package struct StoreRequest: Sendable {
  /// The caller's own number for this request; the reply carries it back.
  package var token: UInt64
  package var operation: Operation

  package enum Operation: Sendable {
    /// Gives the message the next number of its conversation, which is made if need be.
    ///
    /// Idempotent by sender and client id, over all conversations and for ever.
    case append(Draft)
    /// The conversations that a user is a member of, the most recently written first.
    case conversations(of: UserID, limit: Int)
    /// Messages in rising order of `seq`, those with `after < seq < before`. With more than
    /// `limit` of them, the lowest when `fromStart`, else the highest.
    case messages(
      in: ConversationID, after: UInt64, before: UInt64, limit: Int, fromStart: Bool)
  }

  package init(token: UInt64, operation: Operation) {
    self.token = token
    self.operation = operation
  }
}

/// A message before it has a number.
package struct Draft: Hashable, Sendable {
  package var conversation: ConversationID
  package var sender: UserID
  package var content: MessageContent
  package var replyTo: UInt64?
  /// When this node received it. The stored timestamp of a conversation never goes backwards.
  package var timestamp: Timestamp

  package init(
    conversation: ConversationID, sender: UserID, content: MessageContent, replyTo: UInt64?,
    timestamp: Timestamp
  ) {
    self.conversation = conversation
    self.sender = sender
    self.content = content
    self.replyTo = replyTo
    self.timestamp = timestamp
  }
}

package struct StoreReply: Sendable {
  package var token: UInt64
  package var result: Result

  package enum Result: Sendable, Equatable {
    /// Committed. `isDuplicate`: an earlier request with this client id did it. A retry that the
    /// store made by itself, after a connection that died in mid-commit, does not count as one.
    case appended(sequence: UInt64, timestamp: Timestamp, isDuplicate: Bool)
    /// The client id was used before, with another conversation, body or reply-to.
    case conflict
    case conversations([ConversationState])
    case messages([Message])
    /// Not done, or not known to be done; the same request may be made again.
    case unavailable
  }

  package init(token: UInt64, result: Result) {
    self.token = token
    self.result = result
  }
}

package struct ConversationState: Hashable, Sendable {
  package var conversation: ConversationID
  package var head: UInt64
  package var received: UInt64
  package var read: UInt64

  package init(conversation: ConversationID, head: UInt64, received: UInt64, read: UInt64) {
    self.conversation = conversation
    self.head = head
    self.received = received
    self.read = read
  }
}

// MARK: - Registry

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
    /// Removes the device if this node and this connection still own it, else does nothing.
    case unregister(UserID, device: String, connection: String)
    /// The nodes with a live lease that hold a device of this user.
    case nodes(of: UserID)
    /// Answered behind the events of all changes that were made before.
    case barrier
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
    case unregistered
    /// In rising order, each once.
    case nodes([NodeID], isGuarded: Bool)
    case passed
    /// The answer to the requests about sessions; nil: nobody.
    case holder(NodeID?)
    case unavailable
  }

  package init(token: UInt64, result: Result) {
    self.token = token
    self.result = result
  }
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

// MARK: - Message bus

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

/// What the back ends tell every hub of the node without being asked.
package enum NodeEvent: Sendable {
  case arrived([Envelope])
  /// The destination has no queue: its route is dead.
  case returned([Envelope], from: NodeID)
  /// The bus was away and is back; envelopes from and to this node may have been lost.
  case busRecovered
  /// The node's process has ended; what it committed last, it may not have told anybody.
  case nodeLost(NodeID)
  /// The registry forgot this node's registrations (it was restarted, flushed, or out of reach
  /// for longer than the lease); make them again.
  case registrationsLost
  /// Guarded answers for these users may be wrong from now on.
  case routesChanged([UserID])
  /// No answer is guarded any more.
  case routesForgotten
}
