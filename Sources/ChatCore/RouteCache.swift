import ChatProtocol
import DequeModule

/// Routes that were looked up and that the registry guards, and the messages that went by them and
/// are not yet known to have gone right.
///
/// Bounded in both. Routes leave by age: two generations, of which the older is dropped when the
/// younger is full, but for routes with unverified messages.
struct RouteCache {
  /// Where a user is, besides this node.
  final class Route {
    /// In rising order, each once, this node not among them.
    let nodes: [NodeID]
    /// The user, as the recipients of an envelope.
    let recipients: [UserID]
    /// The unverified messages sent by this route lie between these numbers.
    fileprivate var first: UInt64 = 0
    fileprivate var end: UInt64 = 0

    fileprivate init(_ user: UserID, at nodes: [NodeID]) {
      self.nodes = nodes
      recipients = [user]
    }
  }

  /// A message that went by guarded routes alone.
  struct Routed {
    let message: Message
    let recipients: [UserID]
  }

  private let routesMax: Int
  private let unverifiedMax: Int
  private let unverifiedBytesMax: Int
  private var young: [UserID: Route] = [:]
  private var old: [UserID: Route] = [:]
  /// What was in the cache when its guard ended: guesses.
  private var unguarded: [UserID: Route] = [:]
  private var unverified: Deque<Routed> = []
  /// Of their bodies.
  private var unverifiedBytes = 0
  /// The number of the first of `unverified`. Numbers count up from 1.
  private var firstNumber: UInt64 = 1

  init(routesMax: Int, unverifiedMax: Int, unverifiedBytesMax: Int) {
    self.routesMax = routesMax
    self.unverifiedMax = unverifiedMax
    self.unverifiedBytesMax = unverifiedBytesMax
  }

  /// Routes held, some of them perhaps twice.
  var count: Int { young.count + old.count }
  var unverifiedCount: Int { unverified.count }
  /// Whether no more messages may go by kept routes until some are verified.
  var isFull: Bool {
    unverified.count >= unverifiedMax || unverifiedBytes >= unverifiedBytesMax
  }
  /// The number that the next message will have.
  var nextNumber: UInt64 { firstNumber + UInt64(unverified.count) }

  mutating func route(to user: UserID) -> Route? {
    if let route = young[user] { return route }
    guard let route = old[user] else { return nil }
    keep(route, of: user)
    return route
  }

  /// Where the user was before the guard ended, if known.
  func guess(_ user: UserID) -> Route? { unguarded[user] }

  /// Keeps a guarded answer. The user must not have a route.
  mutating func insert(_ nodes: [NodeID], of user: UserID) {
    unguarded = [:]
    keep(Route(user, at: nodes), of: user)
  }

  private mutating func keep(_ route: Route, of user: UserID) {
    if young.count >= max(routesMax / 2, 1) {
      // What has unverified messages must be found when it changes.
      let watched = old.filter { $0.value.end > firstNumber }
      old = young.merging(watched) { young, _ in young }
      young = [:]
    }
    young[user] = route
  }

  /// Notes that a message has gone by these routes, one for each of the recipients.
  mutating func sent(_ message: Message, to recipients: [UserID], by routes: [Route]) {
    let number = nextNumber
    for route in routes {
      if route.end <= firstNumber { route.first = number }
      route.end = number + 1
    }
    unverified.append(Routed(message: message, recipients: recipients))
    unverifiedBytes += message.content.bodyCount
  }

  /// All below this number went by routes that were right after they had gone.
  mutating func verified(below number: UInt64) {
    guard number > firstNumber else { return }
    let count = min(Int(number - firstNumber), unverified.count)
    for index in 0..<count { unverifiedBytes -= unverified[index].message.content.bodyCount }
    unverified.removeFirst(count)
    firstNumber += UInt64(count)
  }

  /// The user's route has changed: forgets it. Gives it with the unverified messages that went by
  /// it, or nil when it was not kept.
  mutating func remove(_ user: UserID) -> (route: Route, messages: [Message])? {
    // A route that is in both generations is the same in both.
    let route = young.removeValue(forKey: user)
    guard let route = old.removeValue(forKey: user) ?? route else { return nil }
    return (route, messages(sentBy: route, to: user))
  }

  private func messages(sentBy route: Route, to user: UserID) -> [Message] {
    let first = max(route.first, firstNumber)
    guard route.end > first else { return [] }
    return unverified[Int(first - firstNumber)..<Int(route.end - firstNumber)].compactMap {
      $0.recipients.contains(user) ? $0.message : nil
    }
  }

  /// No route is guarded any more: forgets all. Gives the messages that were not verified.
  mutating func removeAll() -> [Routed] {
    if !young.isEmpty || !old.isEmpty { unguarded = old.merging(young) { _, young in young } }
    young = [:]
    old = [:]
    // ThreadSanitizer takes what an empty deque writes into an empty array for a race.
    let routed = unverified.isEmpty ? [] : Array(unverified)
    firstNumber = nextNumber
    unverified = []
    unverifiedBytes = 0
    return routed
  }
}
