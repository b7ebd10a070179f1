/// A reply of Redis, copied out of the C library.
package enum RedisValue: Hashable, Sendable {
  case null
  case integer(Int64)
  case string([UInt8])
  /// `OK`, `PONG`.
  case status(String)
  /// The server refused the command: `NOSCRIPT ...`.
  case error(String)
  case array([RedisValue])

  /// A string or status as text; nil for anything else and for bytes that are no UTF-8.
  package var text: String? {
    switch self {
    case .string(let bytes): String(validating: bytes, as: UTF8.self)
    case .status(let text): text
    case .null, .integer, .error, .array: nil
    }
  }
}

/// What became of a command.
package enum RedisOutcome: Hashable, Sendable {
  case value(RedisValue)
  /// Not done, or not known to be done: the server is away.
  case unavailable
}
