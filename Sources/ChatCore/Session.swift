import ChatProtocol
import DequeModule

/// One connection's conversation with this server, from its opening to its close.
///
/// Confined to its hub. What only a busy, lagging or arriving session needs is behind optionals
/// and empty containers, which own no memory. What every message looks at goes unchecked, as in
/// `Hub`.
final class Session {
  enum Phase {
    case awaitingHello
    /// Messages for the user are accepted and held; the registry is about to know.
    case registering(Handshake)
    /// Registered, or known to be unregistered; the store is being read.
    case loading(Handshake)
    case live
    /// Closed by the hub or gone; requests under way may still end.
    case closed
  }

  /// What the hello asked for, kept until `ready`.
  final class Handshake {
    let id: RequestID?
    let resume: [Address: UInt64]

    init(id: RequestID?, resume: [Address: UInt64]) {
      self.id = id
      self.resume = resume
    }
  }

  /// In an object of its own, which hardly any session has.
  final class FormerOwner {
    let owner: RouteOwner

    init(_ owner: RouteOwner) { self.owner = owner }
  }

  let id: SessionID
  /// Counts the sessions of this hub; part of the connection's name in the registry.
  let number: UInt64
  @exclusivity(unchecked) var phase = Phase.awaitingHello
  /// Set from the hello to the close.
  @exclusivity(unchecked) var user: User?
  var device = ""
  var helloAt: Int64 = 0
  /// Of another node: had the device before, and was told that it has it no more, if that arrived.
  var formerOwner: FormerOwner?

  @exclusivity(unchecked) var sendsInFlight: Int32 = 0
  var queriesInFlight: Int32 = 0
  var marksInFlight: Int32 = 0
  var refusals: Int32 = 0
  var malformedFrames: Int32 = 0
  var malformedSince: Int64 = 0
  /// Commands that wait their turn, in order. While there are any the socket is not read.
  @exclusivity(unchecked) var deferred: Deque<Command> = []
  /// Conversations in which this session is not where its user is.
  @exclusivity(unchecked) var lags: [ConversationID: Lag] = [:]
  var resumption: Resumption?
  /// Whose presence it is told.
  var watching: [UserID] = []
  var nextTyping: Int64 = 0

  // The small ones side by side, the first with room for them: there are millions of sessions.
  /// When the peer's pending writes went over their limit, while they are.
  @exclusivity(unchecked) var congestedSince: Int64?
  var hasCongestionAlarm = false
  @exclusivity(unchecked) var isPaused = false
  /// Whether this session waits for the hub's appends to become fewer.
  var isStalled = false
  /// Whether it is to get the messages it sent itself too, in their place among the others.
  let wantsOwn: Bool
  /// Whether it is there for one command: see `Hub+Asking.swift`.
  var isAsking = false
  /// Whether the registry said that it has this session.
  var isRegistered = false
  /// Whether it said so once.
  var wasRegistered = false
  /// Whether a list of users to watch is not answered yet.
  var isWatchUnanswered = false
  /// Whether its device says that it is not in use.
  var isAway = false

  init(id: SessionID, number: UInt64, wantsOwn: Bool) {
    self.id = id
    self.number = number
    self.wantsOwn = wantsOwn
  }

  var isOpen: Bool {
    if case .closed = phase { false } else { true }
  }

  var isLive: Bool {
    if case .live = phase { true } else { false }
  }

  var isCongested: Bool { congestedSince != nil }
}
