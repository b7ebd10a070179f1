internal import ChatCore
internal import ChatProtocol
internal import RedisClient

/// A look-up for all who asked for it in one turn.
class SharedLookup {
  var askers: [(batch: ReplyBatch, token: UInt64)] = []
}

/// A look-up of one user's routes.
final class RouteLookup: SharedLookup {
  /// The guard's generation when it was sent; nil when there was no guard.
  let generation: UInt64?
  /// The routes changed, and the news came before the answer; or no news will come.
  var isOvertaken = false

  init(generation: UInt64?) { self.generation = generation }
}

/// The look-ups under way for one turn's requests. One that was made before a change of what it
/// looks up does not answer a request behind that change.
struct TurnLookups {
  var routes: [UserID: RouteLookup] = [:]
  var subscribers: [Topic: SharedLookup] = [:]
  var presences: [UserID: SharedLookup] = [:]
}

extension RedisRegistryWorker {
  /// Dead fields of a hash that one look-up cleans up; the next finds the rest.
  static let cleanedFieldsMax = 16

  func submit(
    _ requests: [RegistryRequest], _ batch: ReplyBatch, coalescing lookups: inout TurnLookups
  ) {
    for request in requests {
      let token = request.token
      switch request.operation {
      case .register(let user, let device, let connection):
        lookups.routes[user] = nil
        register(user, device, connection, batch, token)
      case .registerAgain(let user, let device, let connection):
        lookups.routes[user] = nil
        registerAgain(user, device, connection, batch, token)
      case .unregister(let user, let device, let connection):
        lookups.routes[user] = nil
        unregister(user, device, connection, batch, token)
      case .subscribe(let topic, let shard):
        lookups.subscribers[topic] = nil
        subscribe(to: topic, shard: shard, batch, token)
      case .unsubscribe(let topic, let shard):
        lookups.subscribers[topic] = nil
        unsubscribe(from: topic, shard: shard, batch, token)
      case .setPresence(let user, let state, let shard, let time):
        lookups.presences[user] = nil
        setPresence(state, of: user, shard: shard, at: time, batch, token)
      case .nodes, .subscribers, .presence:
        lookUp(request.operation, batch, token, coalescing: &lookups)
      case .takeTokens(let user, let count, let rate, let burst):
        takeTokens(count, of: user, rate: rate, burst: burst, batch, token)
      case .barrier: answerBarrier(batch, token)
      case .claimSession(let name): claimSession(name, batch, token)
      case .sessionHolder(let name): findSession(name, batch, token)
      case .releaseSession(let name): releaseSession(name, batch, token)
      }
    }
  }

  private func lookUp(
    _ operation: RegistryRequest.Operation, _ batch: ReplyBatch, _ token: UInt64,
    coalescing lookups: inout TurnLookups
  ) {
    switch operation {
    case .nodes(let user):
      join(&lookups.routes[user], batch, token, make: makeRouteLookup) { look(up: user, $0) }
    case .subscribers(let topic):
      join(&lookups.subscribers[topic], batch, token, make: SharedLookup.init) {
        look(up: topic, $0)
      }
    case .presence(let user):
      join(&lookups.presences[user], batch, token, make: SharedLookup.init) {
        lookUpPresence(of: user, $0)
      }
    case .register, .registerAgain, .unregister, .barrier, .subscribe, .unsubscribe, .setPresence,
      .takeTokens, .claimSession, .sessionHolder, .releaseSession:
      preconditionFailure("no look-up that others share")
    }
  }

  /// Has the request answered by the look-up that is under way, or begins one.
  private func join<Lookup: SharedLookup>(
    _ underWay: inout Lookup?, _ batch: ReplyBatch, _ token: UInt64, make: () -> Lookup,
    begin: (Lookup) -> Void
  ) {
    let asker = (batch: batch, token: token)
    if let lookup = underWay { return lookup.askers.append(asker) }
    let lookup = make()
    lookup.askers.append(asker)
    underWay = lookup
    begin(lookup)
  }

  private func makeRouteLookup() -> RouteLookup {
    RouteLookup(generation: routeGuard?.isTracking == true ? routeGuard?.generation : nil)
  }

  // MARK: Changes

  private func register(
    _ user: UserID, _ device: String, _ connection: String, _ batch: ReplyBatch, _ token: UInt64
  ) {
    change(RegistrySchema.register, user, device, connection, batch, token) {
      [unowned self] previous in
      // Registered it is, even if nobody can say now whether the owner before still lives.
      askLeases(of: [previous]) { [unowned self] _ in
        answer(batch, token, .registered(replaced: isLive(previous) ? previous : nil))
      }
    }
  }

  private func registerAgain(
    _ user: UserID, _ device: String, _ connection: String, _ batch: ReplyBatch, _ token: UInt64
  ) {
    change(RegistrySchema.registerAgain, user, device, connection, batch, token) {
      [unowned self] holder in
      askLeases(of: [holder]) { [unowned self] isComplete in
        if isLive(holder) {
          answer(batch, token, .overtaken)
        } else if isComplete {
          register(user, device, connection, batch, token)
        } else {
          hasFailedRegistrations = true
          answer(batch, token, .unavailable)
        }
      }
    }
  }

  /// - Parameter metOther: another connection was the owner of the device before.
  private func change(
    _ verb: String, _ user: UserID, _ device: String, _ connection: String, _ batch: ReplyBatch,
    _ token: UInt64, metOther: @escaping (RouteOwner) -> Void
  ) {
    guard let owner = owner(connection) else { return answer(batch, token, .unavailable) }
    let registration = FailedRemovals.Removal.route(user, device: device, owner)
    changeRoute.runInOrder(
      on: client, key: RegistrySchema.routes(of: user), [verb, device, owner.description],
      repeated: .first
    ) { [unowned self] outcome in
      guard case .value(let value) = outcome, !value.isError else {
        hasFailedRegistrations = true
        failedRemovals.mayHaveBeenMade(registration)
        return answer(batch, token, .unavailable)
      }
      failedRemovals.wasMade(registration)
      if let other = value.text.flatMap({ RouteOwner($0) }), other != owner {
        metOther(other)
      } else {
        answer(batch, token, .registered(replaced: nil))
      }
    }
  }

  private func unregister(
    _ user: UserID, _ device: String, _ connection: String, _ batch: ReplyBatch, _ token: UInt64
  ) {
    guard let owner = owner(connection) else { return answer(batch, token, .unavailable) }
    unregister(device, of: user, owner) { [unowned self] isDone in
      answer(batch, token, isDone ? .unregistered : .unavailable)
    }
  }

  private func unregister(
    _ device: String, of user: UserID, _ owner: RouteOwner,
    completion: @escaping (_ isDone: Bool) -> Void
  ) {
    let registration = FailedRemovals.Removal.route(user, device: device, owner)
    let number = failedRemovals.next()
    remove(device, of: user, ownedBy: owner) { [unowned self] removal in
      defer { completion(removal != .failed) }
      guard removal != .failed else {
        return failedRemovals.insert(registration, number: number)
      }
      let wasUncertain = failedRemovals.wasMade(registration)
      if wasUncertain, removal == .done { events(.registrationUndone(user, device: device)) }
    }
  }

  /// Removes what could not be removed before.
  func removeAgain() {
    for (removal, time) in failedRemovals.takeAll() {
      switch removal {
      case .route(let user, let device, let owner): unregister(device, of: user, owner) { _ in }
      case .subscription(let topic, let shard): unsubscribe(from: topic, shard: shard) { _ in }
      case .presence(let user, let shard):
        setPresence(.offline, of: user, shard: shard, at: time) { _ in }
      }
    }
  }

  private enum Removal {
    case done
    /// Another is the owner, or nobody.
    case notOurs
    case failed
  }

  private func remove(
    _ device: String, of user: UserID, ownedBy owner: RouteOwner,
    completion: @escaping (Removal) -> Void
  ) {
    changeRoute.runInOrder(
      on: client, key: RegistrySchema.routes(of: user),
      [RegistrySchema.unregister, device, owner.description], repeated: .first
    ) { outcome in
      guard case .value(let value) = outcome, !value.isError else { return completion(.failed) }
      completion(value.text == owner.description ? .done : .notOurs)
    }
  }

  func owner(_ connection: String) -> RouteOwner? {
    guard let lease, !lease.isTaken else { return nil }
    return RouteOwner(node: node, epoch: lease.epoch, connection: connection)
  }

  // MARK: Look-ups

  private func look(up user: UserID, _ lookup: RouteLookup) {
    lookupsInFlight[user, default: []].append(lookup)
    if lookup.generation != nil { routeGuard?.watchNext { lookup.isOvertaken = true } }
    let command = RedisCommand(["HGETALL", RegistrySchema.routes(of: user)])
    client.send(command) { [unowned self] outcome in
      guard case .value(.array(let fields)) = outcome else {
        return finish(lookup, of: user, .unavailable)
      }
      let routes = Self.routes(in: fields)
      askLeases(of: routes.map(\.owner)) { [unowned self] isComplete in
        guard isComplete else { return finish(lookup, of: user, .unavailable) }
        let nodes = Set(routes.map(\.owner).filter(isLive).map(\.node))
        finish(
          lookup, of: user,
          .nodes(nodes.sorted(), isGuarded: isGuarded(lookup, routes.map(\.owner))))
        cleanUp(routes, of: user)
      }
    }
  }

  /// Whether every change of the answer will be told, behind the answer.
  private func isGuarded(_ lookup: RouteLookup, _ owners: [RouteOwner]) -> Bool {
    guard let routeGuard, routeGuard.isTracking, lookup.generation == routeGuard.generation,
      !lookup.isOvertaken
    else { return false }
    // A node whose lease has lapsed may take it again, which changes no route.
    return owners.allSatisfy { isLive($0) || isOutdated($0) }
  }

  private func finish(
    _ lookup: RouteLookup, of user: UserID, _ result: RegistryReply.Result
  ) {
    lookupsInFlight[user]?.removeAll { $0 === lookup }
    if lookupsInFlight[user]?.isEmpty == true { lookupsInFlight[user] = nil }
    finish(lookup, result)
  }

  private typealias Route = (device: String, owner: RouteOwner)

  private static func routes(in fields: [RedisValue]) -> [Route] {
    stride(from: 0, to: fields.count - 1, by: 2).compactMap { index in
      guard let device = fields[index].text, let text = fields[index + 1].text,
        let owner = RouteOwner(text)
      else { return nil }
      return (device, owner)
    }
  }

  /// A route of an older epoch can never be valid again. One of a lapsed lease can, and stays.
  private func cleanUp(_ routes: [Route], of user: UserID) {
    for route in routes.filter({ isOutdated($0.owner) }).prefix(Self.cleanedFieldsMax) {
      remove(route.device, of: user, ownedBy: route.owner) { _ in }
    }
  }
}

extension RedisValue {
  var isError: Bool {
    if case .error = self { true } else { false }
  }
}
