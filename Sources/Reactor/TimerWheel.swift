/// A time in the wheel's unit, `TimerWheel.tickNanoseconds`.
///
/// 32 bits that wrap: two ticks compare rightly while they are less than 248 days apart.
struct Tick: Hashable {
  var value: UInt32

  /// No timer is armed. The clock skips this value when it wraps.
  static let never = Tick(value: .max)

  func isAfter(_ other: Tick) -> Bool { Int32(bitPattern: value &- other.value) > 0 }
}

/// A hashed timing wheel: arming is O(1), and a timer is an entry of 8 bytes, not an object.
///
/// An entry that is due later than one revolution waits in its bucket for a later one. Entries are
/// never searched for: an entry that its owner no longer wants is skipped when it comes up.
struct TimerWheel {
  static let tickNanoseconds: Int64 = 10_000_000
  /// 4,096 ticks of 10 ms: 41 s, more than the time between two pings.
  static let bucketCount = 4096

  /// Wanted while the slot in the loop's table names `tick` as that of its entry. Of the slot, not
  /// of its owner: should the next owner's timer be due at the same tick, either entry serves it.
  struct Entry {
    var slot: UInt32
    var tick: Tick
  }

  private var buckets: [[Entry]] = Array(repeating: [], count: Self.bucketCount)
  /// A bit per bucket that is not empty.
  private var occupied = [UInt64](repeating: 0, count: Self.bucketCount / 64)
  /// Ticks of the clock that have been handed out.
  private var passed: Int64

  init(now: Instant) { passed = now.nanoseconds / Self.tickNanoseconds }

  var now: Tick { Self.tick(passed) }

  private static func tick(_ count: Int64) -> Tick {
    let value = UInt32(truncatingIfNeeded: count)
    return value == Tick.never.value ? Tick(value: 0) : Tick(value: value)
  }

  /// The first tick at or after `instant`, and after the present one, so that nothing that is
  /// armed while timers fire can fire in the same turn.
  func tick(due instant: Instant) -> Tick {
    let count = (instant.nanoseconds + Self.tickNanoseconds - 1) / Self.tickNanoseconds
    return Self.tick(max(count, passed + 1))
  }

  mutating func insert(_ entry: Entry) {
    let bucket = Int(entry.tick.value) & (Self.bucketCount - 1)
    buckets[bucket].append(entry)
    occupied[bucket / 64] |= 1 << UInt64(bucket % 64)
  }

  /// Moves the wheel on by one tick, if `instant` is past it, and hands out the tick's entries.
  ///
  /// The owner puts back what is not due in this revolution.
  mutating func advance(to instant: Instant, _ due: inout [Entry]) -> Bool {
    let target = instant.nanoseconds / Self.tickNanoseconds
    guard target > passed else { return false }
    // After a stop of more than a revolution every bucket comes up once.
    passed = max(passed, target - Int64(Self.bucketCount)) + 1
    let bucket = Int(passed) & (Self.bucketCount - 1)
    if !buckets[bucket].isEmpty {
      swap(&buckets[bucket], &due)
      occupied[bucket / 64] &= ~(1 << UInt64(bucket % 64))
    }
    return true
  }

  /// Milliseconds from `instant` to the next bucket with entries, rounded up; -1 when all are
  /// empty.
  func millisecondsToNext(from instant: Instant) -> Int32 {
    let start = Int(passed + 1) & (Self.bucketCount - 1)
    guard let distance = distanceToOccupied(from: start) else { return -1 }
    let due = (passed + 1 + Int64(distance)) * Self.tickNanoseconds
    return Int32(clamping: max(0, (due - instant.nanoseconds + 999_999) / 1_000_000))
  }

  private func distanceToOccupied(from start: Int) -> Int? {
    var bucket = start
    var distance = 0
    while distance < Self.bucketCount {
      let word = occupied[bucket / 64] >> UInt64(bucket % 64)
      if word != 0 { return distance + word.trailingZeroBitCount }
      let step = 64 - bucket % 64
      distance += step
      bucket = (bucket + step) & (Self.bucketCount - 1)
    }
    return nil
  }
}
