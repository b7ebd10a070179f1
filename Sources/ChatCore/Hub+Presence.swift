import ChatProtocol

// Whether this hub's users are there: the registry is told, and knows of their devices elsewhere; whoever
// watches them is told what comes of it.

/// A user without a session here, for a moment.
struct Departure {
  /// What the registry was told last.
  var told: PresenceState
  /// When the registry is told that the user has gone.
  let at: Int64
  let lastSeen: Timestamp
}

extension Hub {
  /// The user's first session is here.
  func arrived(_ user: User) {
    // Back in time: nobody has noticed.
    if let departure = departures.removeValue(forKey: user.id) {
      user.toldPresence = departure.told
    }
    tellPresence(of: user.id)
  }

  /// The user's last session here has gone. A client that reconnects is back in a moment.
  func left(_ user: User) {
    let departure = Departure(
      told: user.toldPresence, at: now + limits.departureDelay, lastSeen: wall)
    departures[user.id] = departure
    alarms.set(.departure(user.id), at: departure.at)
  }

  func departed(_ user: UserID, at time: Int64) {
    guard let departure = departures[user], departure.at == time else { return }
    departures[user] = nil
    departures.shrinkIfSparse()
    submitPresence(.offline, of: user, at: departure.lastSeen)
  }

  func setPresence(_ state: PresenceState, _ id: RequestID?, _ session: Session, _ user: User) {
    session.isAway = state == .away
    if id != nil { effects.send(.done(id), to: session.id) }
    tellPresence(of: user.id)
  }

  /// Tells the registry, if it does not know: at once, unless there were many changes lately.
  func tellPresence(of name: UserID) {
    guard let user = users[name], !user.hasPresenceAlarm else { return }
    let state: PresenceState = user.sessions.allSatisfy(\.isAway) ? .away : .online
    guard user.toldPresence != state else { return }
    let wait = user.presenceBucket.take(
      rate: Double(limits.presencesPerSecond), burst: limits.presencesBurst, now: now)
    if let wait {
      user.hasPresenceAlarm = true
      alarms.set(.presence(name), at: now + wait)
      return
    }
    user.toldPresence = state
    submitPresence(state, of: name, at: wall)
  }

  func tellPresenceNow(of name: UserID) {
    users[name]?.hasPresenceAlarm = false
    tellPresence(of: name)
  }

  private func submitPresence(_ state: PresenceState, of user: UserID, at time: Timestamp) {
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.presence(user)),
        operation: .setPresence(user, state, shard: node.shard, at: time)))
  }

  func presenceSet(_ name: UserID, _ result: RegistryReply.Result) {
    guard case .presence(let presence) = result else {
      counters.unavailable += 1
      // Of one who has gone the registry keeps a state that ends with the node's lease.
      users[name]?.toldPresence = .offline
      alarms.set(.presence(name), at: now + jittered(limits.registrationRetryDelay))
      return
    }
    emit(.presence(name, presence), to: [], topic: .presence(name))
  }

  func tellAllPresences() {
    let interval = Int64.interval(perSecond: limits.registrationsPerSecondMax)
    for (index, user) in users.values.sorted(by: { $0.id < $1.id }).enumerated() {
      user.toldPresence = .offline
      alarms.set(.presence(user.id), at: now + Int64(index) * interval)
    }
    // Who is back in time is told of again.
    for user in departures.keys { departures[user]?.told = .offline }
  }
}
