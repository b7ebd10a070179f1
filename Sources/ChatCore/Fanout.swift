import ChatProtocol

/// One user's whereabouts, for the messages of one turn.
final class Lookup {
  let user: UserID
  var fanouts: [Fanout] = []

  init(user: UserID) { self.user = user }
}

/// A committed message, or a signal, on its way to the nodes of its recipients.
final class Fanout {
  enum Payload {
    case message(Message)
    case signal(Signal)
  }

  let payload: Payload
  let recipients: [UserID]
  /// How often it came back from a dead route.
  let hops: UInt8
  /// Nodes that have been sent the message for these recipients.
  let sent: [NodeID]
  var lookupsLeft: Int
  var isUnknown = false
  /// A handful of nodes, each with the recipients there.
  var destinations: [(node: NodeID, recipients: [UserID])] = []

  init(_ payload: Payload, to recipients: [UserID], hops: UInt8 = 0, sent: [NodeID] = []) {
    self.payload = payload
    self.recipients = recipients
    self.hops = hops
    self.sent = sent
    lookupsLeft = recipients.count
  }

  func envelope(to recipients: [UserID]) -> Envelope {
    switch payload {
    case .message(let message):
      .deliver(Delivery(message: message, recipients: recipients, hops: hops))
    case .signal(let signal): .signal(signal, recipients: recipients)
    }
  }

  func add(_ users: [UserID], at nodes: [NodeID]) {
    for node in nodes where !sent.contains(node) {
      if let index = destinations.firstIndex(where: { $0.node == node }) {
        destinations[index].recipients += users
      } else {
        destinations.append((node, users))
      }
    }
  }
}
