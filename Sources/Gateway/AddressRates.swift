import ChatCore
package import Forwarding

/// How often each address may do something: a token bucket for each, kept until it is full again.
///
/// Counted is the subscriber, as in `AddressTable`.
package struct AddressRates {
  /// Buckets from which on full ones are looked for.
  private static let bucketsSweptMin = 1_024
  /// A sweep that leaves more forgets all: as many addresses at once are no case for buckets.
  package static let bucketsMax = 262_144

  private let rate: Double
  private let burst: Int
  private var buckets: [IPAddress: TokenBucket] = [:]
  /// Doubles with what a sweep leaves, so that sweeping costs each address next to nothing.
  private var bucketsBeforeSweep = bucketsSweptMin

  /// - Parameters:
  ///   - rate: how often in a second, in the long run.
  ///   - burst: how often at once.
  package init(rate: Double, burst: Int) {
    self.rate = rate
    self.burst = burst
  }

  package var count: Int { buckets.count }

  /// Says whether the address may do it now, and counts it then.
  ///
  /// - Parameter now: in nanoseconds, of a clock that does not go back.
  package mutating func admit(_ address: IPAddress, now: Int64) -> Bool {
    let address = address.subscriber
    if buckets[address] == nil { sweepIfFull(now) }
    return buckets[address, default: TokenBucket()].take(rate: rate, burst: burst, now: now) == nil
  }

  private mutating func sweepIfFull(_ now: Int64) {
    guard buckets.count >= bucketsBeforeSweep else { return }
    buckets = buckets.filter { !$0.value.isFull(now: now) }
    if buckets.count > Self.bucketsMax { buckets = [:] }
    bucketsBeforeSweep = max(buckets.count * 2, Self.bucketsSweptMin)
  }
}
