import ChatProtocol

// Telling the registry which connection holds which device, and taking over devices.

extension Hub {
  func requestRegistration(of session: Session, user: UserID) {
    let token = registryRequests.insert(.register(session, user))
    let (device, connection) = (session.device, connectionName(of: session))
    effects.registry.append(
      RegistryRequest(
        token: token,
        operation: session.wasRegistered
          ? .registerAgain(user, device: device, connection: connection)
          : .register(user, device: device, connection: connection)))
  }

  func registered(_ session: Session, of name: UserID, _ result: RegistryReply.Result) {
    guard session.isOpen, let user = session.user else {
      if case .registered(let owner?) = result { giveBack(session.device, of: name, to: owner) }
      return
    }
    let wasKnown = session.isRegistered
    switch result {
    case .registered(let owner):
      session.isRegistered = true
      session.wasRegistered = true
      // A session of another hub of this process has the claim; one of an earlier process of
      // this node has nobody.
      if let owner, owner.node != node.id {
        session.formerOwner = Session.FormerOwner(owner)
        replace(owner, session, user)
      }
    case .overtaken:
      // The device has moved on while nobody could be told. If this is its only connection after all, it
      // comes back.
      close(session, .draining, "the device is connected elsewhere")
    default:
      counters.unavailable += 1
      session.isRegistered = false
      alarms.set(.register(session), at: now + jittered(limits.registrationRetryDelay))
    }
    switch session.phase {
    case .registering(let handshake):
      session.phase = .loading(handshake)
      submit(.load(session, at: now))
    case .live:
      // Until now nobody could know that messages for this user belong here.
      if session.isRegistered, !wasKnown { scheduleSweep(user, at: now) }
    case .loading, .awaitingHello, .closed:
      break
    }
  }

  private func replace(_ owner: RouteOwner, _ session: Session, _ user: User) {
    publish(
      .replace(user.id, device: session.device, connection: owner.connection),
      to: .node(owner.node))
  }

  /// The bus may have lost what closes connections of devices that have moved on: it is said again, and
  /// each session here finds out whether it is such a one.
  func confirmOwners() {
    let interval = Int64.interval(perSecond: limits.registrationsPerSecondMax)
    for (index, session) in sessionsInOrder().enumerated() where session.isRegistered {
      if let user = session.user, let former = session.formerOwner {
        replace(former.owner, session, user)
      }
      alarms.set(.confirm(session), at: now + Int64(index) * interval)
    }
  }

  func confirm(_ session: Session) {
    guard session.isOpen, session.isRegistered, let user = session.user else { return }
    requestRegistration(of: session, user: user.id)
  }

  /// A session that took the device from another has closed, perhaps before either knew, and its
  /// registration is removed: of two connections that take a device from each other one must keep it.
  func giveBack(_ device: String, of user: UserID, to owner: RouteOwner) {
    let envelope = Envelope.restore(user, device: device, connection: owner.connection)
    if owner.node != node.id { return publish(envelope, to: .node(owner.node)) }
    restore(user, device: device, connection: owner.connection)
    if node.shardCount > 1 { effects.localDeliveries.append(.envelope(envelope)) }
  }

  /// A registration of a session that is gone may have taken the device from one that is here, when
  /// nobody knew any more that it was under way.
  func registrationUndone(_ user: UserID, device: String) {
    restore(user, device: device, connection: "")
    guard node.shard == 0 else { return }
    publish(.restore(user, device: device, connection: ""), to: .all)
  }

  /// The device's registration is another's no more, who is gone.
  ///
  /// - Parameter connection: the one that had it before; empty if that is not known.
  func restore(_ user: UserID, device: String, connection: String) {
    guard let session = users[user]?.session(ofDevice: device),
      connection.isEmpty || connectionName(of: session) == connection
    else { return }
    session.isRegistered = false
    register(session)
  }

  /// Registers a session again that the registry refused or forgot.
  func register(_ session: Session) {
    guard session.isOpen, !session.isRegistered, let user = session.user else { return }
    requestRegistration(of: session, user: user.id)
  }

  func registerAll() {
    tellAllPresences()
    let interval = Int64.interval(perSecond: limits.registrationsPerSecondMax)
    for (index, session) in sessionsInOrder().enumerated()
    where session.user != nil && !session.isAsking {
      session.isRegistered = false
      alarms.set(.register(session), at: now + Int64(index) * interval)
    }
    for (index, room) in rooms.values.sorted(by: { $0.name < $1.name }).enumerated() {
      room.isSubscribed = false
      alarms.set(.subscribe(room), at: now + Int64(index) * interval)
    }
  }

  func unregister(_ session: Session, user: UserID) {
    guard !isAlone else { return }
    effects.registry.append(
      RegistryRequest(
        token: registryRequests.insert(.unregister),
        operation: .unregister(
          user, device: session.device, connection: connectionName(of: session))))
  }

  // MARK: - The same device again

  /// Closes this hub's session of a device that says hello again.
  func replaceSession(of user: UserID, device: String) {
    guard let session = users[user]?.session(ofDevice: device) else { return }
    close(session, .replaced, "replaced by another connection")
  }

  /// The device said hello to another hub of this node.
  func claimed(_ user: UserID, device: String, at time: Int64, shard: Int) {
    guard let session = users[user]?.session(ofDevice: device) else { return }
    // Both hubs may claim at once; the later hello wins on both sides.
    guard (session.helloAt, node.shard) < (time, shard) else { return }
    close(session, .replaced, "replaced by another connection")
  }

  /// The device said hello to another node, which found this connection in the registry.
  func replaced(_ user: UserID, device: String, connection: String) {
    guard let session = users[user]?.session(ofDevice: device),
      connectionName(of: session) == connection
    else { return }
    close(session, .replaced, "replaced by another connection")
  }

  /// In the order of their opening: the order of a dictionary differs from run to run.
  func sessionsInOrder() -> [Session] {
    sessions.values.sorted { $0.number < $1.number }
  }
}
