/// The bounds on everything a hub holds, waits for, or repeats. Times are in nanoseconds.
package struct HubLimits: Sendable {
  // What one session may have under way.

  /// Sends without an answer from the store. Beyond it further commands wait and the socket is
  /// not read.
  package var sendsInFlightMax = 256
  /// `history` and `conversations` requests without an answer. Each answer may be large.
  package var queriesInFlightMax = 2
  /// Commands that wait for one of the above, for `ready`, or for the end of a congestion.
  /// The socket is paused at the first; these were read before that took effect.
  package var commandsDeferredMax = 4_096

  // What one hub may have under way.

  package var appendsInFlightMax = 4_096
  package var readsInFlightMax = 128

  // The hello.

  package var helloTimeout: Int64 = .seconds(5)
  /// The missed messages that follow `ready`, over all conversations; then `gap`.
  package var resumedMessagesMax = 1_000
  package var resumePageMax = 200
  package var resumeReadsInFlightMax = 4
  /// Live messages that wait behind the missed ones of their conversation, per session.
  package var messagesBehindResumeMax = 256

  // Rooms.

  /// Sessions that are handed an entry of a large room in one turn. A write of each takes 5 us, so
  /// that a share is less than what a turn has for its events.
  package var fanoutSessionsMax = 256
  /// Entries of a room that wait to be handed out. When more come than its sessions can be handed, a
  /// `gap` takes the place of those that wait. So many are also handed at once to the sessions that an
  /// entry takes out.
  package var fanoutsPerRoomMax = 256
  /// Entries that wait in all rooms of a loop; above it only one waits in each.
  package var fanoutsMax = 4_096
  /// Members of a room in which everybody is told how far everybody has read.
  package var receiptMembersMax = 50

  // What is told and not stored.

  /// From one `typing` of a session to the next; those between are dropped.
  package var typingInterval: Int64 = .seconds(1)
  /// From one `typing` in a room to the next, for each session that it is told to. In a room that takes
  /// more than one turn nobody is told.
  package var roomTypingInterval: Int64 = .milliseconds(1) / 10
  /// How long marks are gathered.
  package var markDelay: Int64 = .milliseconds(50)
  /// Members whose marks are gathered at once.
  package var marksMax = 65_536
  /// Conversations of which a session's marks are gathered or not yet stored. Beyond it further commands
  /// wait.
  package var marksInFlightMax = 1_024
  /// Marks that were told and are remembered, and for how long; up to twice both.
  package var toldMarksMax = 32_768
  package var toldMarksTime: Int64 = .seconds(60)
  /// How long a user whose last device has gone still counts as there.
  package var departureDelay: Int64 = .seconds(5)
  /// How long the news of a user's presence may take from other nodes.
  package var presenceDelay: Int64 = .seconds(2)

  // Order.

  /// The conversations whose place is kept for a user, the most recently written first.
  package var conversationsMax = 4_096
  /// How long a missing message may still be on its way before the store is asked for it.
  package var holeDelay: Int64 = .milliseconds(50)
  /// Messages fetched to close one hole; then `gap`.
  package var holeMessagesMax = 1_000
  package var holePageMax = 200
  /// Messages held above a hole, per conversation; those beyond are fetched.
  ///
  /// Two nodes that write one conversation at full speed are so many numbers apart.
  package var messagesHeldMax = 1_024
  /// The same over all conversations of a user.
  package var messagesHeldPerUserMax = 4_096

  // Reads that bring nothing.

  /// The first pause is twice `holeDelay`, each one twice the one before, up to this.
  package var readPauseMax: Int64 = .seconds(2)
  /// In a row, of a store that is there; then `gap`. While it is away nothing is given up.
  package var vainReadsMax = 15

  // Kept routes.

  /// Users whose whereabouts are kept.
  package var routesMax = 65_536
  /// Messages that went by kept routes and wait for a barrier. Beyond it routes are looked up.
  package var unverifiedMessagesMax = 16_384
  /// The same for the bytes of their bodies.
  package var unverifiedBytesMax = 16 * 1024 * 1024
  package var barrierInterval: Int64 = .milliseconds(10)

  // Repair.

  /// How often the heads of a connected user's conversations are compared.
  package var sweepInterval: Int64 = .seconds(60)
  package var outageSweepInterval: Int64 = .seconds(2)
  package var sweepsPerSecondMax: Int64 = 2_000
  package var registrationsPerSecondMax: Int64 = 20_000
  package var registrationRetryDelay: Int64 = .seconds(2)
  /// Envelopes to every node while the registry cannot say which.
  package var broadcastsPerSecond = 200
  package var broadcastsBurst = 400

  // Bad and loud peers.

  package var malformedFramesMax = 10
  package var malformedFramesWindow: Int64 = .seconds(60)
  /// Entries a minute that a user may send, over all devices and nodes; 0: no limit.
  package var sendsPerMinute = 0
  package var sendsBurst = 100
  /// Tokens that a hub takes from the registry at once.
  package var tokensAtOnceMax = 20
  /// Sessions of one user, with each hub.
  package var sessionsPerUserMax = 256
  /// Changes of its devices' state that a user's watchers are told, a second and at once.
  package var presencesPerSecond = 1
  package var presencesBurst = 4
  /// Names that a user's sessions ask to watch, a second and at once.
  package var watchedPerSecond = 1_000
  package var watchedBurst = 2_000
  /// Sends refused in a row before the session is closed.
  package var refusalsMax = 100
  package var congestionTimeout: Int64 = .seconds(10)

  // What clients are told.

  package var pingMilliseconds = 25_000
  package var frameBytesMax = 65_536
  package var pageBytesMax = 262_144
  package var retryAfterMilliseconds = 1_000

  package init() {}
}

extension Int64 {
  /// A time span in nanoseconds.
  package static func seconds(_ count: Int64) -> Int64 { count * 1_000_000_000 }
  /// A time span in nanoseconds.
  package static func milliseconds(_ count: Int64) -> Int64 { count * 1_000_000 }
  /// From one of so many a second to the next, in nanoseconds; above 0.
  static func interval(perSecond count: Int64) -> Int64 { Swift.max(.seconds(1) / count, 1) }
}
