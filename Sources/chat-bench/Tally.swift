import Histogram

/// What was counted, by one worker or by all.
struct Tally: Sendable {
  /// Messages handed to a connection, each once however often it was sent again.
  var sent: UInt64 = 0
  var acked: UInt64 = 0
  var delivered: UInt64 = 0
  /// Of those, what came before the sending was over; a rate may count no more.
  var ackedInTime: UInt64?
  var deliveredInTime: UInt64?

  var lost: UInt64 = 0
  var unacknowledged: UInt64 = 0
  var duplicated: UInt64 = 0
  var outOfOrder: UInt64 = 0
  var altered: UInt64 = 0
  /// Sends that the server refused for good, and sessions that it did not want back.
  var refused: UInt64 = 0

  var retried: UInt64 = 0
  /// Connections that ended before there was a session.
  var unopened: UInt64 = 0
  var reconnects: UInt64 = 0
  /// The same by second since the start of the program.
  var returns: [UInt64: UInt64] = [:]
  var gaps: UInt64 = 0

  /// In microseconds.
  var sendToAck = Self.histogram
  var sendToDelivery = Self.histogram
  /// To the last member of the room.
  var sendToLast = Self.histogram
  /// Of each message its delivery after its ack; at a given rate and of pairs only.
  var ackToDelivery = Self.histogram

  /// Up to ten minutes, at three digits.
  private static let histogram = Histogram<UInt64>(
    highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: .three)

  var hasFailed: Bool {
    lost + unacknowledged + duplicated + outOfOrder + altered + refused > 0
  }

  static func record(_ nanoseconds: UInt64, in histogram: inout Histogram<UInt64>) {
    _ = histogram.record(min(max(1, nanoseconds / 1_000), 600_000_000))
  }

  mutating func add(_ other: Tally) {
    sent += other.sent
    acked += other.acked
    delivered += other.delivered
    ackedInTime = (ackedInTime ?? 0) + (other.ackedInTime ?? other.acked)
    deliveredInTime = (deliveredInTime ?? 0) + (other.deliveredInTime ?? other.delivered)
    lost += other.lost
    unacknowledged += other.unacknowledged
    duplicated += other.duplicated
    outOfOrder += other.outOfOrder
    altered += other.altered
    refused += other.refused
    retried += other.retried
    unopened += other.unopened
    reconnects += other.reconnects
    returns.merge(other.returns, uniquingKeysWith: +)
    gaps += other.gaps
    sendToAck.add(other.sendToAck)
    sendToDelivery.add(other.sendToDelivery)
    sendToLast.add(other.sendToLast)
    ackToDelivery.add(other.ackToDelivery)
  }
}
