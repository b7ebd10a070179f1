internal import ChatCore
internal import ChatProtocol
internal import FaultInjection
internal import RedisClient

/// The registry's keys in Redis, and the scripts that change them.
///
/// Each script touches one key, so that keys can be spread over the servers of a cluster. Owners
/// are compared as whole strings: the late clean-up of a former owner then changes nothing.
enum RegistrySchema {
  /// A hash: device -> owner, as `RouteOwner` writes it.
  static func routes(of user: UserID) -> String { routesPrefix + user.name }
  private static let routesPrefix = "connection:"
  /// The user whose routes a key holds.
  static func user(ofRoutes key: [UInt8]) -> UserID? {
    guard key.starts(with: routesPrefix.utf8) else { return nil }
    return key.dropFirst(routesPrefix.utf8.count).withUnsafeBytes { UserID(bytes: $0) }
  }
  /// The node that holds a client's session, written as a `RouteOwner`.
  static func session(_ name: String) -> String { "session:\(name)" }
  /// Stands for the connection, which sessions have none of.
  static let sessionConnection = "session"
  /// A node's epoch. A route is valid only while its epoch is the one here.
  static func lease(of node: NodeID) -> String { "node:\(node)" }
  /// A set: every node that holds or held a lease.
  static let nodes = "active:servers"

  /// The channel that Redis tells invalidated keys on.
  static let invalidations = "__redis__:invalidate"
  /// A channel from a node to itself.
  static func barriers(of node: NodeID) -> String { "barrier:\(node)" }

  static let register = "register"
  static let registerAgain = "register again"
  static let unregister = "unregister"

  /// Registers or removes a device; answers its owner before. One script for all, which keeps them in
  /// order whatever the server lost.
  static let changeRoute =
    Mutant.plainDel.isActive
    ? comparingChange.replacing(" and owner == ARGV[3] then", with: " then") : comparingChange

  private static let comparingChange = """
    local owner = redis.call('HGET', KEYS[1], ARGV[2])
    local isFree = not owner or owner == ARGV[3]
    if ARGV[1] == 'register' or ARGV[1] == 'register again' and isFree then
      redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
    elseif ARGV[1] == 'unregister' and owner == ARGV[3] then
      redis.call('HDEL', KEYS[1], ARGV[2])
    end
    return owner
    """

  /// Takes or renews a lease, unless a newer epoch holds it; answers the epoch before. Epochs are
  /// compared as text, since a number of Lua is exact only up to 2^53.
  static let renewLease = """
    local held = redis.call('GET', KEYS[1])
    if held and tonumber(held)
      and (#held > #ARGV[1] or #held == #ARGV[1] and held > ARGV[1]) then
      return held
    end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return held
    """

  /// Claims a session, unless it has a holder other than the one to be replaced; answers who holds
  /// it now.
  static let claimSession = """
    local holder = redis.call('GET', KEYS[1])
    if holder and holder ~= ARGV[2] and holder ~= ARGV[1] then return holder end
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
    return ARGV[1]
    """

  /// Gives a lease or a session up if it is still ours; answers whether it was.
  static let release = """
    if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
    return 0
    """
}
