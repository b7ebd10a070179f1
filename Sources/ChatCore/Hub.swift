package import ChatProtocol
import DequeModule

/// The sessions of one event loop and everything that they own.
///
/// Confined to that loop. It does no I/O and reads no clock: the gateway tells it the time once
/// per turn (`advance`), calls it with what happened, carries out its `effects` at the end of the
/// turn, and calls `timerFired` at `nextDeadline`. Requests to the store and the registry leave
/// as effects and come back through `completed`, each exactly once.
package final class Hub {
  package let node: NodeInfo
  let limits: HubLimits
  /// Embedded: no other node, so neither registry nor bus.
  let isAlone: Bool
  var random: RandomSource
  // Each message goes through these several times, and none of them calls out while it is
  // accessed, so that accesses cannot overlap; checking that took 5 % of a loop under load.
  @exclusivity(unchecked) var now: Int64 = 0
  @exclusivity(unchecked) var wall: Timestamp = 0

  @exclusivity(unchecked) var effects = Effects()
  @exclusivity(unchecked) package internal(set) var counters = HubCounters()

  @exclusivity(unchecked) var sessions: [SessionID: Session] = [:]
  var sessionNumber: UInt64 = 0
  @exclusivity(unchecked) var users: [UserID: User] = [:]
  @exclusivity(unchecked) var rooms: [ConversationID: Room] = [:]
  /// Those with entries that not all of their sessions have been handed, in the order of their turns.
  var roomsFanningOut: Deque<Room> = []
  /// Rooms that perhaps nobody here is in any more.
  var roomsEmptied: [Room] = []
  var alarms = AlarmQueue<Alarm>()

  // What the store is asked for, in tables with different tokens.
  @exclusivity(unchecked) var appends = RequestTable<PendingEntry>(tag: 0)
  @exclusivity(unchecked) var reads = RequestTable<Read>(tag: 1)
  var readsWaiting: Deque<Read> = []
  /// Sessions whose next send waits for `appendsInFlightMax`, in order.
  var stalled: Deque<Session> = []

  var registryRequests = RequestTable<RegistryWork>()
  /// Look-ups of this turn, not yet handed to the gateway, which later messages may still join.
  var openLookups: [UserID: Lookup] = [:]
  var openTopicLookups: [Topic: TopicLookup] = [:]
  var routes: RouteCache
  /// Those of the message at hand; kept for its memory.
  var routesFound: [RouteCache.Route] = []
  /// Asked for, or to be.
  var isBarrierUnderWay = false
  var broadcastBucket = TokenBucket()

  /// How far members are, on its way to the store.
  var marks: [MarkKey: PendingMark] = [:]
  var toldMarks: ToldMarks
  /// When the store last had an answer to a read.
  var storeAnsweredAt: Int64 = 0
  /// Users whose last session has gone a moment ago, and may be back in the next.
  var departures: [UserID: Departure] = [:]
  /// Users that sessions of this hub watch.
  var watches: [UserID: Watch] = [:]

  /// Whether other nodes' messages come by sweeps alone.
  var isBusAway = false

  /// While draining: when the last session is closed.
  var drainEnd: Int64?

  enum RegistryWork {
    case register(Session, UserID)
    case subscribeRoom(Room)
    /// Nothing waits for the answer.
    case unregister
    case lookup(Lookup)
    case topicLookup(TopicLookup)
    case presence(UserID)
    case tokens(User)
    case watch(Watch)
    case watchedPresence(Watch)
    /// For the messages that went by kept routes, up to this number.
    case barrier(below: UInt64)
  }

  /// Those that every session and user has go by name: whoever has left is freed at once, and not
  /// when the alarm comes up, one by one on pages that nothing else needs. No case is larger than a
  /// name, so that an entry of the queue has 32 bytes.
  enum Alarm {
    case helloTimeout(SessionID)
    case congestionTimeout(Session)
    indirect case hole(Audience, ConversationID)
    case resume(Session)
    case sweep(UserID)
    case register(Session)
    case confirm(Session)
    case subscribe(Room)
    indirect case mark(MarkKey)
    case presence(UserID)
    case departure(UserID)
    case watch(UserID)
    case watchLine(User)
    case barrier
    indirect case close(Session, ChatCloseCode, StaticString)
  }

  package init(node: NodeInfo, limits: HubLimits, isAlone: Bool, seed: UInt64) {
    self.node = node
    self.limits = limits
    self.isAlone = isAlone
    random = RandomSource(seed: seed)
    routes = RouteCache(
      routesMax: limits.routesMax, unverifiedMax: limits.unverifiedMessagesMax,
      unverifiedBytesMax: limits.unverifiedBytesMax)
    toldMarks = ToldMarks(countMax: limits.toldMarksMax, ageMax: limits.toldMarksTime)
  }

  /// Begins a turn. `now` is monotonic, in nanoseconds, of one clock for all hubs of the node.
  package func advance(to now: Int64, wall: Timestamp) {
    self.now = max(self.now, now)
    self.wall = wall
  }

  /// Hands over what is to be done, and goes on with `buffer`, which must be empty.
  package func exchangeEffects(with buffer: inout Effects) {
    precondition(buffer.isEmpty, "effects that were not carried out")
    if !roomsEmptied.isEmpty { forgetEmptyRooms() }
    openLookups.removeAll(keepingCapacity: true)
    openTopicLookups.removeAll(keepingCapacity: true)
    swap(&effects, &buffer)
  }

  /// When `timerFired` is due, if ever.
  package var nextDeadline: Int64? { isFanningOut ? now : alarms.nextDeadline }

  /// Whether a large room's entries wait for their next share, due in the next turn by `timerFired`.
  package var isFanningOut: Bool { !roomsFanningOut.isEmpty }

  package func timerFired() {
    if isFanningOut { fanOut() }
    while let (alarm, time) = alarms.next(dueAt: now) { handle(alarm, setFor: time) }
  }

  package func handle(_ event: NodeEvent) {
    switch event {
    case .arrived(let envelopes):
      for envelope in envelopes { receive(envelope) }
    case .returned(let envelopes, from: let node):
      routeDied(node, envelopes)
    case .busInterrupted:
      isBusAway = true
      sweepAll()
    case .busRecovered:
      isBusAway = false
      sweepAll()
      confirmOwners()
      lookAtAllWatched()
    case .nodeLost:
      forgetRoutes()
      sweepAll()
      lookAtAllWatched()
    case .registrationsLost:
      registerAll()
      lookAtAllWatched(subscribing: true)
    case .registrationUndone(let user, let device):
      registrationUndone(user, device: device)
    case .routesChanged(let users):
      routesChanged(users)
    case .routesForgotten:
      forgetRoutes()
    }
  }

  package func deliver(_ delivery: LocalDelivery) {
    switch delivery {
    case .envelope(let envelope):
      receive(envelope)
    case .claimed(let user, let device, let time, let shard):
      claimed(user, device: device, at: time, shard: shard)
    }
  }

  package func completed(_ replies: [StoreReply]) {
    for reply in replies {
      if let entry = appends.remove(reply.token) {
        appended(entry, reply.result)
      } else if let read = reads.remove(reply.token) {
        completed(read, reply.result)
      }
    }
  }

  package func completed(_ replies: [RegistryReply]) {
    for reply in replies {
      switch registryRequests.remove(reply.token) {
      case .register(let session, let user): registered(session, of: user, reply.result)
      case .subscribeRoom(let room): subscribed(room, reply.result)
      case .lookup(let lookup): lookedUp(lookup, reply.result)
      case .topicLookup(let lookup): lookedUp(lookup, reply.result)
      case .presence(let user): presenceSet(user, reply.result)
      case .tokens(let user): tokensTaken(user, reply.result)
      case .watch(let watch): subscribed(watch, reply.result)
      case .watchedPresence(let watch): presenceFound(watch, reply.result)
      case .barrier(let number): barrierAnswered(below: number, reply.result)
      case .unregister, nil: break
      }
    }
  }

  private func handle(_ alarm: Alarm, setFor time: Int64) {
    switch alarm {
    case .helloTimeout(let session): helloTimedOut(session)
    case .congestionTimeout(let session): congestionTimedOut(session)
    case .hole(let audience, let conversation): checkHole(audience, conversation)
    case .resume(let session): resumeFailed(session)
    case .sweep(let user): sweep(user, scheduledAt: time)
    case .register(let session): register(session)
    case .confirm(let session): confirm(session)
    case .subscribe(let room): subscribeAgain(room)
    case .mark(let key): submitMark(key)
    case .presence(let user): tellPresenceNow(of: user)
    case .departure(let user): departed(user, at: time)
    case .watch(let user): lookAgain(user, scheduledAt: time)
    case .watchLine(let user): moveWatchLine(of: user)
    case .barrier: requestBarrier()
    case .close(let session, let code, let reason): close(session, code, reason)
    }
  }

  private func receive(_ envelope: Envelope) {
    switch envelope {
    case .deliver(let delivery):
      deliver(delivery.message, to: delivery.recipients, origin: nil)
    case .replace(let user, let device, let connection):
      replaced(user, device: device, connection: connection)
    case .restore(let user, let device, let connection):
      restore(user, device: device, connection: connection)
    case .relay(let relay):
      effects.relays.append(relay)
    case .signal(let signal, let recipients):
      receive(signal, recipients)
    }
  }
}
