internal import ChatProtocol

extension RegistrySchema {
  /// When the user's token bucket will be full, in microseconds of Redis' own clock; a full one is
  /// not there.
  static func tokens(of user: UserID) -> String { "rate:\(user.name)" }

  /// Takes up to a number of tokens of a bucket, given its rate a second and its burst; answers how
  /// many, and in how many microseconds there will be one.
  ///
  /// By the clock of Redis, which all nodes have in common. A clock or a rate that was another
  /// before keeps nobody waiting for longer than an empty bucket does. Numbers are written with
  /// `string.format`, since Lua's own way gives 14 digits.
  static let takeTokens = """
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local perToken, burst = 1000000 / tonumber(ARGV[2]), tonumber(ARGV[3])
    local debt = (tonumber(redis.call('GET', KEYS[1]) or now) or now) - now
    if not (debt > 0) then debt = 0 end
    debt = math.min(debt, burst * perToken)
    local taken = math.max(math.min(tonumber(ARGV[1]), math.floor(burst - debt / perToken)), 0)
    if taken == 0 then
      return {0, math.min(math.ceil(debt - (burst - 1) * perToken) + 1, 1e15)}
    end
    debt = debt + taken * perToken
    local life = math.min(math.ceil(debt / 1000), 1e15)
    redis.call('SET', KEYS[1], string.format('%.2f', now + debt), 'PX', life)
    return {taken, 0}
    """
}
