import ChatProtocol
import DequeModule

// Sessions that watch users: the hub subscribes to each user once, asks for the state, and passes on what
// it is told. What may have been lost on its way is asked for again.

/// A user that sessions of this hub watch.
final class Watch {
  let user: UserID
  var sessions: [Session] = []
  /// Nil until the registry has answered.
  var presence: Presence?
  /// Whether the registry said that this hub hears of the user.
  var isSubscribed = false
  /// When the state is to be asked for next; alarms for other times are void.
  var nextLook: Int64 = 0
  /// Commands that wait for the first answer.
  var waiting: [WatchRequest] = []

  init(user: UserID) { self.user = user }
}

/// A `presence.watch` until all of its states are known.
final class WatchRequest {
  let session: Session
  let id: RequestID?
  let users: [UserID]
  var left = 0
  /// Whether the registry did not answer for one of them.
  var isInDoubt = false

  init(session: Session, id: RequestID?, users: [UserID]) {
    self.session = session
    self.id = id
    self.users = users
  }
}

extension Hub {
  /// The session watches these users, and nobody else any more.
  func watch(_ users: [UserID], _ id: RequestID?, _ session: Session) {
    var seen: Set<UserID> = []
    let users = users.filter { seen.insert($0).inserted }
    unwatch(session, but: seen)
    let before = Set(session.watching)
    session.watching = users
    let request = WatchRequest(session: session, id: id, users: users)
    for user in users {
      let watch = watches[user] ?? begin(user)
      if !before.contains(user) { watch.sessions.append(session) }
      guard watch.presence == nil || session.isAsking else { continue }
      request.left += 1
      watch.waiting.append(request)
      // It is told no changes, so what was so before does not do.
      if watch.presence != nil { look(at: watch) }
    }
    session.isWatchUnanswered = request.left > 0
    if request.left == 0 { answer(request) }
  }

  // MARK: - Pace

  /// One list of a session after the other, and so many names a second of a user, in the order in which
  /// the sessions came: each name takes requests to the registry.
  func admitsWatch(of count: Int, _ session: Session) -> Bool {
    guard !session.isWatchUnanswered, let user = session.user else { return false }
    let isFirst = user.watchLine.first.map { $0 === session } ?? true
    guard isFirst else {
      if !user.watchLine.contains(where: { $0 === session }) { user.watchLine.append(session) }
      return false
    }
    let wait = user.watchBucket.take(
      min(count, limits.watchedBurst), rate: Double(limits.watchedPerSecond),
      burst: limits.watchedBurst, now: now)
    guard let wait else {
      _ = user.watchLine.popFirst()
      return true
    }
    if user.watchLine.isEmpty { user.watchLine.append(session) }
    if !user.hasWatchAlarm {
      user.hasWatchAlarm = true
      alarms.set(.watchLine(user), at: now + wait)
    }
    return false
  }

  /// The sessions that wait go on, as far as they may.
  func moveWatchLine(of user: User) {
    user.hasWatchAlarm = false
    while let session = user.watchLine.first {
      runDeferred(session)
      if user.hasWatchAlarm { return }
      // It has gone, or has something else to wait for: then it comes again.
      if user.watchLine.first === session { user.watchLine.removeFirst() }
    }
  }

  // MARK: - Watches

  /// The session watches none of those that it watched, but for `others`.
  func unwatch(_ session: Session, but others: Set<UserID> = []) {
    session.watching.removeAll { user in
      guard !others.contains(user) else { return false }
      if let watch = watches[user] { end(watch, for: session) }
      return true
    }
    watches.shrinkIfSparse()
  }

  private func end(_ watch: Watch, for session: Session) {
    watch.sessions.removeAll { $0 === session }
    guard watch.sessions.isEmpty else { return }
    watches[watch.user] = nil
    unsubscribe(.presence(watch.user))
  }

  private func begin(_ user: UserID) -> Watch {
    let watch = Watch(user: user)
    watches[user] = watch
    if isAlone { look(at: watch) } else { subscribe(watch) }
    return watch
  }

  private func subscribe(_ watch: Watch) {
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.watch(watch)),
        operation: .subscribe(.presence(watch.user), shard: node.shard)))
  }

  /// From now on changes are told; those before it the state has.
  func subscribed(_ watch: Watch, _ result: RegistryReply.Result) {
    guard watches[watch.user] === watch else { return }
    if case .subscribed = result { watch.isSubscribed = true }
    look(at: watch)
  }

  private func look(at watch: Watch) {
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.watchedPresence(watch)),
        operation: .presence(of: watch.user)))
    let isSure = isAlone || watch.isSubscribed
    schedule(
      watch, at: now + jittered(isSure ? limits.sweepInterval : limits.registrationRetryDelay))
  }

  private func schedule(_ watch: Watch, at time: Int64) {
    watch.nextLook = time
    alarms.set(.watch(watch.user), at: time)
  }

  func lookAgain(_ user: UserID, scheduledAt time: Int64) {
    guard let watch = watches[user], watch.nextLook == time else { return }
    if isAlone || watch.isSubscribed { look(at: watch) } else { subscribe(watch) }
  }

  func presenceFound(_ watch: Watch, _ result: RegistryReply.Result) {
    guard watches[watch.user] === watch else { return }
    if case .presence(let presence) = result { return presenceChanged(watch.user, presence) }
    // Nobody can say. Whoever watches is told that the user is offline, and what is so when somebody
    // can; who asks once, that nobody can.
    counters.unavailable += watch.waiting.count
    for request in watch.waiting { request.isInDoubt = true }
    presenceChanged(watch.user, watch.presence ?? Presence(state: .offline))
  }

  /// All watched users, as fast as `sweepsPerSecondMax` allows.
  func lookAtAllWatched(subscribing isSubscribing: Bool = false) {
    let interval = Int64.interval(perSecond: limits.sweepsPerSecondMax)
    for (index, watch) in watches.values.sorted(by: { $0.user < $1.user }).enumerated() {
      if isSubscribing { watch.isSubscribed = false }
      schedule(watch, at: now + Int64(index) * interval)
    }
  }

  /// Whoever changed it tells so. News may be late, and others may have overtaken them: the registry
  /// knows what is so, and is asked once the news have had their time. Who is connected here is not gone.
  func presenceTold(of user: UserID, _ presence: Presence) {
    guard let watch = watches[user] else { return }
    let isLate = presence.state == .offline && users[user] != nil
    if !isLate { presenceChanged(user, presence) }
    let next = now + (isLate ? 0 : limits.presenceDelay)
    if watch.nextLook > next { schedule(watch, at: next) }
  }

  private func presenceChanged(_ user: UserID, _ presence: Presence) {
    guard let watch = watches[user] else { return }
    let before = watch.presence
    watch.presence = presence
    answerWaiting(watch)
    // Those that waited have been told.
    guard before != nil, before != presence else { return }
    send(.presence(user, presence), to: watch.sessions.filter { !$0.isAsking })
  }

  private func answerWaiting(_ watch: Watch) {
    let waiting = watch.waiting
    watch.waiting = []
    for request in waiting {
      request.left -= 1
      guard request.left == 0 else { continue }
      request.session.isWatchUnanswered = false
      answer(request)
      runDeferred(request.session)
    }
  }

  private func answer(_ request: WatchRequest) {
    guard request.session.isLive else { return }
    guard !request.isInDoubt || !request.session.isAsking else {
      return fail(request.session, request.id, .unavailable, "the registry is out of reach")
    }
    let states = request.users.map { user in
      WatchedUser(user, watches[user]?.presence ?? Presence(state: .offline))
    }
    effects.send(.watching(request.id, states), to: request.session.id)
  }
}
