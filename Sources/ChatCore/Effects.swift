package import ChatProtocol

/// What a hub wants done. The gateway carries it out after each batch of calls, in the order of
/// the fields here: what is sent before a close reaches the peer before it.
package struct Effects {
  package var sends: [Outgoing] = []
  /// The sessions that `sends` go to; each send names a range of it.
  package var targets: [SessionID] = []
  package var closes: [Close] = []
  package var pauses: [ReadingChange] = []
  package var store: [StoreRequest] = []
  package var registry: [RegistryRequest] = []
  package var publications: [(destination: Destination, envelope: Envelope)] = []
  /// For every other hub of this node.
  package var localDeliveries: [LocalDelivery] = []
  /// Came from other nodes and is for the transports.
  package var relays: [Relay] = []

  /// An event to encode once and to write to each of its targets.
  package struct Outgoing {
    package var event: Event
    package var targets: Range<Int>
  }

  package struct Close {
    package var session: SessionID
    package var code: ChatCloseCode
    package var reason: StaticString
  }

  /// Whether a session's socket is to be read from now on.
  package struct ReadingChange {
    package var session: SessionID
    package var isReading: Bool
  }

  package init() {}

  package var isEmpty: Bool {
    sends.isEmpty && closes.isEmpty && pauses.isEmpty && store.isEmpty && registry.isEmpty
      && publications.isEmpty && localDeliveries.isEmpty && relays.isEmpty
  }

  /// Forgets everything but the memory it took, and that too after a turn that was out of the
  /// ordinary.
  package mutating func removeAll() {
    sends.empty()
    targets.empty()
    closes.empty()
    pauses.empty()
    store.empty()
    registry.empty()
    publications.empty()
    localDeliveries.empty()
    relays.empty()
  }

  /// Calls `send` with each of `sends` where it stands, and its targets: a copy of an event is a
  /// count up and down for each of its parts.
  package func withSends(_ send: (borrowing Outgoing, ArraySlice<SessionID>) -> Void) {
    sends.withUnsafeBufferPointer { sends in
      for index in sends.indices { send(sends[index], targets[sends[index].targets]) }
    }
  }

  mutating func send(_ event: consuming Event, to session: SessionID) {
    targets.append(session)
    sends.append(Outgoing(event: event, targets: targets.count - 1..<targets.count))
  }

  /// Sends to the targets appended since there were `start` of them, if there are any.
  mutating func send(_ event: consuming Event, toTargetsFrom start: Int) {
    guard start < targets.count else { return }
    sends.append(Outgoing(event: event, targets: start..<targets.count))
  }
}

extension Array {
  /// Elements that an emptied array keeps room for, up to twice as many after it has doubled. Larger
  /// turns grow it again; with room for four times as many, 190,000 messages/s were no more.
  private static var roomKept: Int { 512 }

  fileprivate mutating func empty() {
    removeAll(keepingCapacity: capacity <= Self.roomKept * 2)
  }
}

/// What one hub tells the other hubs of its node.
package enum LocalDelivery: Hashable, Sendable {
  case envelope(Envelope)
  /// The device said hello at this time to the hub named; earlier sessions of it are replaced.
  case claimed(UserID, device: String, at: Int64, shard: Int)
}

/// What a hub has counted since it was made.
package struct HubCounters: Sendable {
  package var sessions = 0
  package var users = 0
  package var sendsReceived = 0
  package var acked = 0
  package var duplicates = 0
  package var conflicts = 0
  package var refused = 0
  package var unavailable = 0
  package var malformed = 0
  /// Messages handed to sessions, counted per session.
  package var delivered = 0
  package var resumed = 0
  /// Messages that arrived a second time and were dropped by their number.
  package var dropped = 0
  package var rooms = 0
  /// Entries of large rooms that not all of their sessions have been handed.
  package var fanoutsWaiting = 0
  /// Those that a `gap` took the place of.
  package var condensed = 0
  /// Places where a message was missing, and reads of the store to fill them.
  package var holes = 0
  package var holeReads = 0
  package var gaps = 0
  package var shed = 0
  package var sweeps = 0
  package var published = 0
  /// Messages that went by kept routes alone; look-ups for the others; kept routes that changed;
  /// and messages that were looked up again for it.
  package var routedAsKept = 0
  package var lookups = 0
  package var routesChanged = 0
  package var reroutes = 0
  package var broadcasts = 0
  package var broadcastsDropped = 0
  package var deadRoutes = 0
  package var appendsInFlight = 0
  package var readsInFlight = 0
  package var readsWaiting = 0
  /// From a send's arrival to its ack, the commit included.
  package var sendToAck = LatencyHistogram()

  package init() {}
}
