internal import ChatCore
internal import ChatProtocol
internal import RedisClient

/// A look-up of one user, for all who asked for it in the same batch.
final class RouteLookup {
  var askers: [(batch: ReplyBatch, token: UInt64)] = []
  /// The guard's generation when it was sent; nil when there was no guard.
  let generation: UInt64?
  /// The routes changed, and the news came before the answer; or no news will come.
  var isOvertaken = false

  init(generation: UInt64?) { self.generation = generation }
}

struct FailedRemoval {
  let user: UserID
  let device: String
  let owner: RouteOwner
}

extension RedisRegistryWorker {
  /// Removals kept for later. One beyond is lost: messages for its user go to this node in vain,
  /// and stay in the store until the user connects again.
  static let failedRemovalsMax = 65_536
  /// Dead routes that one look-up cleans up; the next finds the rest.
  static let cleanedRoutesMax = 16

  /// - Parameter lookups: those under way for this turn's requests, by user. One that was made
  ///   before a change of the user's routes does not answer a request behind that change.
  func submit(
    _ requests: [RegistryRequest], _ batch: ReplyBatch,
    coalescing lookups: inout [UserID: RouteLookup]
  ) {
    for request in requests {
      switch request.operation {
      case .register(let user, let device, let connection):
        lookups[user] = nil
        register(user, device, connection, batch, request.token)
      case .unregister(let user, let device, let connection):
        lookups[user] = nil
        unregister(user, device, connection, batch, request.token)
      case .nodes(let user):
        if let lookup = lookups[user] {
          lookup.askers.append((batch, request.token))
        } else {
          let lookup = RouteLookup(
            generation: routeGuard?.isTracking == true ? routeGuard?.generation : nil)
          lookup.askers.append((batch, request.token))
          lookups[user] = lookup
          look(up: user, lookup)
        }
      case .barrier:
        answerBarrier(batch, request.token)
      case .claimSession(let name): claimSession(name, batch, request.token)
      case .sessionHolder(let name): findSession(name, batch, request.token)
      case .releaseSession(let name): releaseSession(name, batch, request.token)
      }
    }
  }

  // MARK: Changes

  private func register(
    _ user: UserID, _ device: String, _ connection: String, _ batch: ReplyBatch, _ token: UInt64
  ) {
    guard let owner = owner(connection) else { return answer(batch, token, .unavailable) }
    changeRoute.run(
      on: client, key: RegistrySchema.routes(of: user),
      [RegistrySchema.register, device, owner.description]
    ) { [unowned self] outcome in
      guard case .value(let value) = outcome, !value.isError else {
        hasFailedRegistrations = true
        return answer(batch, token, .unavailable)
      }
      guard let previous = value.text.flatMap({ RouteOwner($0) }), previous != owner else {
        return answer(batch, token, .registered(replaced: nil))
      }
      // Registered it is, even if nobody can say now whether the owner before still lives.
      askLeases(of: [previous]) { [unowned self] _ in
        answer(batch, token, .registered(replaced: isLive(previous) ? previous : nil))
      }
    }
  }

  private func unregister(
    _ user: UserID, _ device: String, _ connection: String, _ batch: ReplyBatch, _ token: UInt64
  ) {
    guard let owner = owner(connection) else { return answer(batch, token, .unavailable) }
    remove(device, of: user, ownedBy: owner) { [unowned self] isDone in
      answer(batch, token, isDone ? .unregistered : .unavailable)
      guard !isDone, failedRemovals.count < Self.failedRemovalsMax else { return }
      failedRemovals.append(FailedRemoval(user: user, device: device, owner: owner))
    }
  }

  /// Removes what could not be removed before: else those routes would live as long as the lease.
  func removeAgain() {
    let removals = failedRemovals
    failedRemovals = []
    for removal in removals {
      remove(removal.device, of: removal.user, ownedBy: removal.owner) { [unowned self] isDone in
        if !isDone { failedRemovals.append(removal) }
      }
    }
  }

  private func remove(
    _ device: String, of user: UserID, ownedBy owner: RouteOwner,
    completion: @escaping (Bool) -> Void
  ) {
    changeRoute.run(
      on: client, key: RegistrySchema.routes(of: user),
      [RegistrySchema.unregister, device, owner.description]
    ) { outcome in
      guard case .value(let value) = outcome else { return completion(false) }
      completion(!value.isError)
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
    for asker in lookup.askers { answer(asker.batch, asker.token, result) }
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
    for route in routes.filter({ isOutdated($0.owner) }).prefix(Self.cleanedRoutesMax) {
      remove(route.device, of: user, ownedBy: route.owner) { _ in }
    }
  }

  // MARK: Leases

  func isLive(_ owner: RouteOwner) -> Bool {
    owner.node == node ? owner.epoch == lease?.epoch : leases.verdict(on: owner) == .live
  }

  private func isOutdated(_ owner: RouteOwner) -> Bool {
    guard owner.node == node else { return leases.verdict(on: owner) == .outdated }
    return lease.map { owner.epoch < $0.epoch } ?? false
  }

  /// Asks for the leases that the cache cannot tell of, each node's once at a time.
  ///
  /// Also for those that had lapsed when last seen: a node that takes its lease again makes its
  /// registrations again and then compares heads. A message that is committed behind that, and
  /// looked up before the next refresh, would be missed by nobody until a minute later.
  ///
  /// - Parameter completion: told whether all have been answered.
  func askLeases(of owners: [RouteOwner], completion: @escaping (Bool) -> Void) {
    let unknown = owners.filter { $0.node != node && leases.mustBeAsked(about: $0) }
    let epochs = Dictionary(unknown.map { ($0.node, $0.epoch) }, uniquingKeysWith: max)
    guard !epochs.isEmpty else { return completion(true) }
    let pending = PendingLeases(count: epochs.count, completion)
    for (node, epoch) in epochs {
      leaseWaiters[node, default: []].append { [unowned self] leaseAnswer in
        if case .lease(let lease) = leaseAnswer {
          if leases.learned(node, lease: lease, asked: epoch) { noteEnd(of: node) }
          pending.answered(isKnown: true)
        } else {
          pending.answered(isKnown: false)
        }
      }
      guard leaseWaiters[node]?.count == 1 else { continue }
      ask(node) { [unowned self] leaseAnswer in
        for waiter in leaseWaiters.removeValue(forKey: node) ?? [] { waiter(leaseAnswer) }
      }
    }
  }
}

/// Counts the answers that one request waits for.
private final class PendingLeases {
  private var count: Int
  private var isComplete = true
  private let completion: (Bool) -> Void

  init(count: Int, _ completion: @escaping (Bool) -> Void) {
    self.count = count
    self.completion = completion
  }

  func answered(isKnown: Bool) {
    count -= 1
    isComplete = isComplete && isKnown
    if count == 0 { completion(isComplete) }
  }
}

extension RedisValue {
  var isError: Bool {
    if case .error = self { true } else { false }
  }
}
