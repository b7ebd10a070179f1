internal import Reactor

/// Why a connection to Redis could not be made, or ended.
package struct RedisFailure: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// No address, or nobody answers there.
    case unreachable
    /// No TLS, or not with whom it should be: nothing was said in the clear instead.
    case insecure
    /// The server answered the greeting with an error: a wrong password, no such database.
    case refused
    /// A command had no answer in time, as from a frozen server.
    case timedOut
    /// The server ended the connection.
    case lost
    /// A reply that is no Redis protocol, that nobody asked for, or beyond a limit.
    case badReply
  }

  package let kind: Kind
  /// What the system or the server said; no secrets, one line.
  package let message: String

  init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = String(message.prefix(200).map { $0.isNewline ? " " : $0 })
  }

  init(_ error: StreamError) {
    switch error {
    case .system: self.init(.lost, "\(error)")
    case .layer: self.init(.insecure, "\(error)")
    }
  }

  /// Whether another address of the host may do better: nobody answers at this one, or not who it
  /// should be. A server that answers and refuses is the right one.
  var isOfAddress: Bool {
    switch kind {
    case .unreachable, .insecure, .timedOut, .lost: true
    case .refused, .badReply: false
    }
  }

  package var description: String {
    switch kind {
    case .unreachable: "unreachable: \(message)"
    case .insecure: "no secure connection: \(message)"
    case .refused: "refused: \(message)"
    case .timedOut: "no answer in time: \(message)"
    case .lost: "connection lost: \(message)"
    case .badReply: "bad reply: \(message)"
    }
  }
}
