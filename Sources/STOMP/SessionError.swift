/// Why a frame is answered with `ERROR`, behind which the connection is closed.
package struct SessionError: Error, Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    case notConnected
    case connectedAlready
    case noCommonVersion
    case malformedHeartBeat
    case missingHeader(String)
    case headerTooLong(String)
    case unknownAckMode
    case subscriptionInUse
    case tooManySubscriptions
    case transactionInUse
    case unknownTransaction
    case tooManyTransactions
    case transactionTooLarge
    case tooManyUnacknowledged
  }

  package var reason: Reason
  /// The `receipt` of the frame, which the answer repeats (STOMP 1.2, ERROR).
  package var receipt: String?

  package init(_ reason: Reason, receipt: String? = nil) {
    self.reason = reason
    self.receipt = receipt
  }

  /// For the author of the client; holds nothing of what the client sent.
  package var message: String {
    switch reason {
    case .notConnected: "connect first"
    case .connectedAlready: "connected already"
    case .noCommonVersion: "supported versions are 1.0, 1.1 and 1.2"
    case .malformedHeartBeat: "heart-beat must be two numbers"
    case .missingHeader(let name): "\(name) is missing"
    case .headerTooLong(let name): "\(name) is too long"
    case .unknownAckMode: "ack must be auto, client or client-individual"
    case .subscriptionInUse: "a subscription with this id exists"
    case .tooManySubscriptions: "too many subscriptions"
    case .transactionInUse: "a transaction with this name has begun"
    case .unknownTransaction: "no transaction with this name has begun"
    case .tooManyTransactions: "too many transactions"
    case .transactionTooLarge: "too much in transactions"
    case .tooManyUnacknowledged: "too many messages without an ACK"
    }
  }
}
