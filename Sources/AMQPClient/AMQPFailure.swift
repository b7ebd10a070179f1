internal import Reactor

/// Why a connection to the broker could not be made, or ended.
package struct AMQPFailure: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// No address, or nobody answers there.
    case unreachable
    /// No TLS, or not with whom it should be: nothing was said in the clear instead.
    case insecure
    /// The broker closed the connection or the channel, with this reply code (AMQP 0-9-1,
    /// section 1.1, constants).
    case refused(code: UInt16)
    /// No answer, or no sign of life.
    case timedOut
    case lost
    /// Bytes that are no AMQP, that nobody asked for, or beyond a limit.
    case badFrame
  }

  package let kind: Kind
  /// What the system or the broker said; no secrets, one line.
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
    case .refused, .badFrame: false
    }
  }

  package var description: String {
    switch kind {
    case .unreachable: "unreachable: \(message)"
    case .insecure: "no secure connection: \(message)"
    case .refused(let code): "refused: \(code) \(message)"
    case .timedOut: "no answer in time: \(message)"
    case .lost: "connection lost: \(message)"
    case .badFrame: "bad frame: \(message)"
    }
  }

  /// Another consumer has the queue for itself alone.
  package var isExclusiveUse: Bool {
    switch kind {
    case .refused(code: 405): true
    case .refused(code: 403): message.contains("exclusive use")
    case .refused, .unreachable, .insecure, .timedOut, .lost, .badFrame: false
    }
  }
}
