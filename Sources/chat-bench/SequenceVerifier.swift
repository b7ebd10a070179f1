/// Holds what one device sees of a conversation against the rule of chat.v1: apply by `seq`, each
/// number once, none left out.
///
/// Messages come in rising order without holes. An `ack` may come ahead of the messages below it,
/// since it is given at the commit; it is kept until they are there.
struct SequenceVerifier {
  /// Everything up to here is applied.
  private(set) var last: UInt64 = 0
  /// Applied above a hole.
  private var early: Set<UInt64> = []
  /// A `gap` said that numbers below this may be missing.
  private var announcedBefore: UInt64 = 0
  /// Numbers up to here may come again, since the device has reconnected.
  private var repeatableThrough: UInt64 = 0

  private(set) var outOfOrder = 0
  private(set) var duplicated = 0

  /// Whether numbers are missing that nothing will bring by itself: they have to be asked for.
  var needsFetch: Bool { last + 1 < announcedBefore }

  mutating func acked(_ sequence: UInt64) { _ = take(sequence) }

  /// Whether the message is new to the device. A page of history is taken `asFetched`: it fills
  /// holes in whatever order, and may overlap with what came live.
  mutating func received(_ sequence: UInt64, asFetched: Bool = false) -> Bool {
    let isNext = sequence == last + 1
    guard take(sequence) else {
      if !asFetched, sequence > repeatableThrough { duplicated += 1 }
      return false
    }
    if !isNext, !asFetched, !needsFetch {
      outOfOrder += 1
      announcedBefore = sequence
    }
    return true
  }

  mutating func announcedGap(before: UInt64) {
    announcedBefore = max(announcedBefore, before)
  }

  /// What `resume` will ask for is `last`; the server may send again what was seen above it.
  mutating func reconnected() {
    repeatableThrough = max(last, early.max() ?? 0)
    announcedBefore = 0
  }

  private mutating func take(_ sequence: UInt64) -> Bool {
    guard sequence > last else { return false }
    guard sequence == last + 1 else { return early.insert(sequence).inserted }
    last = sequence
    while !early.isEmpty, early.remove(last + 1) != nil { last += 1 }
    return true
  }
}

/// Numbers seen, from 0; those without a hole below them cost nothing.
struct NumberSet {
  private(set) var count: UInt64 = 0
  private var low: UInt64 = 0
  private var above: Set<UInt64> = []

  /// Whether it was not there.
  mutating func insert(_ number: UInt64) -> Bool {
    guard number >= low else { return false }
    guard number == low else {
      let isNew = above.insert(number).inserted
      if isNew { count += 1 }
      return isNew
    }
    low += 1
    count += 1
    while !above.isEmpty, above.remove(low) != nil { low += 1 }
    return true
  }
}
