/// Counts of durations by upper bound, as Prometheus wants them.
package struct LatencyHistogram: Sendable, Equatable {
  /// The buckets' upper bounds in nanoseconds: 1, 2, 5 per decade from 50 microseconds to 10 s.
  package static let bounds: [UInt64] = [
    50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000,
    100_000_000, 200_000_000, 500_000_000, 1_000_000_000, 2_000_000_000, 5_000_000_000,
    10_000_000_000,
  ]

  /// Durations per bucket, not cumulative; the last is for those above every bound.
  package private(set) var counts = [UInt64](repeating: 0, count: Self.bounds.count + 1)
  package private(set) var sumNanoseconds: UInt64 = 0

  package init() {}

  package mutating func record(nanoseconds: UInt64) {
    var bucket = 0
    while bucket < Self.bounds.count, nanoseconds > Self.bounds[bucket] { bucket += 1 }
    counts[bucket] += 1
    sumNanoseconds &+= nanoseconds
  }

  package mutating func add(_ other: LatencyHistogram) {
    for bucket in counts.indices { counts[bucket] += other.counts[bucket] }
    sumNanoseconds &+= other.sumNanoseconds
  }
}
