internal import ChatCore
internal import ChatProtocol

extension RegistrySchema {
  /// A hash: `node/shard` of the hubs that want to hear of the topic -> the node's epoch.
  static func subscribers(of topic: Topic) -> String {
    switch topic {
    case .room(let name): "room:nodes:\(name)"
    case .presence(let user): "presence:nodes:\(user.name)"
    }
  }

  /// A hash: `node/shard` of the hubs that have devices of the user -> `epoch/online` or
  /// `epoch/away`; and `seen` -> when the last of this was written, in milliseconds.
  static func presence(of user: UserID) -> String { "presence:\(user.name)" }
  static let seen = "seen"

  static let subscribe = "subscribe"
  static let unsubscribe = "unsubscribe"

  /// Whether one epoch is newer than another. Compared as text, since a number of Lua is exact only
  /// up to 2^53.
  private static let isNewer = """
    local function isNewer(held, epoch)
      return #held > #epoch or #held == #epoch and held > epoch
    end

    """

  /// Subscribes a hub, unless a newer process of its node has, or removes exactly this
  /// subscription; answers whether the hub is now, or is not, as it wished.
  static let changeSubscription =
    isNewer + """
      local held = redis.call('HGET', KEYS[1], ARGV[2])
      if ARGV[1] == 'unsubscribe' then
        if held == ARGV[3] then redis.call('HDEL', KEYS[1], ARGV[2]) end
        return 1
      end
      if held and string.match(held, '^%d+$') and isNewer(held, ARGV[3]) then return 0 end
      if held ~= ARGV[3] then redis.call('HSET', KEYS[1], ARGV[2], ARGV[3]) end
      return 1
      """

  /// Writes what a hub knows of a user, unless a newer process of its node has written; answers the
  /// hash. Of a user who is nowhere it is kept for so long when that was.
  static let setPresence =
    isNewer + """
      local held = redis.call('HGET', KEYS[1], ARGV[1])
      local epoch = held and string.match(held, '^(%d+)/')
      if not (epoch and isNewer(epoch, ARGV[2])) then
        if ARGV[3] == 'offline' then
          redis.call('HDEL', KEYS[1], ARGV[1])
        else
          redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '/' .. ARGV[3])
        end
      end
      local seen = tonumber(redis.call('HGET', KEYS[1], 'seen'))
      if not seen or seen < tonumber(ARGV[4]) then
        redis.call('HSET', KEYS[1], 'seen', ARGV[4])
      end
      if redis.call('HLEN', KEYS[1]) == 1 then
        redis.call('EXPIRE', KEYS[1], ARGV[5])
      else
        redis.call('PERSIST', KEYS[1])
      end
      return redis.call('HGETALL', KEYS[1])
      """

  /// Removes the dead fields named, if they are still as given, and lets the hash expire when only
  /// dead ones are left: the arguments are that time, and for each field its name, its value and
  /// whether it is `outdated` or may come to life again.
  static let cleanPresence = """
    local kept = 1
    for i = 2, #ARGV, 3 do
      if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
        if ARGV[i + 2] == 'outdated' then
          redis.call('HDEL', KEYS[1], ARGV[i])
        else
          kept = kept + 1
        end
      end
    end
    if redis.call('HLEN', KEYS[1]) <= kept and redis.call('TTL', KEYS[1]) < 0 then
      redis.call('EXPIRE', KEYS[1], ARGV[1])
    end
    return 1
    """
}
