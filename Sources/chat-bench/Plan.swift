/// What a run does.
struct Plan: Sendable {
  var endpoints: [Endpoint]
  /// Begins every user's name, so that no run meets the messages of another.
  var prefix: String
  var pairs: Int
  var idle: Int
  /// Who read what one more user writes to a room.
  var members: Int
  /// Whether the server is a relay that knows no users, and copies what it gets to all.
  var isRelayed: Bool
  /// The process whose CPU time is told.
  var serverPID: Int32?
  /// Messages a second over all pairs, or to the room; nil for as many as the windows allow.
  var rate: Double?
  /// Messages that a side may have sent and not had acked.
  var window: Int
  /// Bytes of a text.
  var size: Int
  var seconds: Int
  /// Of each side; then the time is not limited.
  var messages: UInt64?
  /// Seconds that the sessions stay after the load; for ever when there is no load and this is 0.
  var hold: Int
  /// Under way at once, per thread.
  var handshakes: Int
  var threads: Int

  var hasLoad: Bool { pairs + members > 0 }

  /// With the one who writes to the room.
  var sessions: Int { pairs * 2 + idle + (members > 0 ? members + 1 : 0) }

  /// How often a message is delivered.
  var readers: Int { max(1, members) }

  /// How long nothing may move before what is missing is given up.
  static let stallSeconds = 30
  /// How long no further session may come up before the ramp is given up.
  static let rampStallSeconds = 15
}
