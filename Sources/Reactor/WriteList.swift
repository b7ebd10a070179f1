/// What a socket has written in this turn: stretches of the loop's arena, in order.
///
/// Nearly always there is one, which stands here; from the second on all are linked in the arena.
struct WriteList {
  /// Where the only stretch begins, or the number of the first segment.
  private var start: UInt32 = 0
  /// Bytes of all stretches.
  private(set) var byteCount: UInt32 = 0
  /// The last segment, if they are linked.
  private var last = WriteArena.none

  var isEmpty: Bool { byteCount == 0 }

  private var isLinked: Bool { last != WriteArena.none }

  /// The stretch that is all there is; nil when there are others.
  var only: ArenaRange? {
    isLinked ? nil : ArenaRange(offset: Int(start), count: Int(byteCount))
  }

  /// Makes `range` part of the one stretch there is, if it follows it directly, as consecutive
  /// writes do.
  mutating func lengthen(by range: ArenaRange) -> Bool {
    guard !isEmpty, !isLinked, Int(start &+ byteCount) == range.offset else { return false }
    byteCount += UInt32(truncatingIfNeeded: range.count)
    return true
  }

  /// Appends a stretch that is not empty. The arena is below 4 GiB.
  mutating func append(_ range: ArenaRange, in arena: inout WriteArena) {
    if isEmpty {
      start = UInt32(range.offset)
      byteCount = UInt32(range.count)
      return
    }
    if lengthen(by: range) { return }
    if let only {
      last = arena.append(only)
      start = UInt32(last)
    }
    if !arena.lengthen(last, by: range) { last = arena.append(range, after: last) }
    byteCount += UInt32(range.count)
  }

  /// All stretches in order.
  var ranges: Ranges {
    only.map { Ranges(only: $0, next: WriteArena.none) }
      ?? Ranges(only: nil, next: Int32(start))
  }

  struct Ranges {
    fileprivate var only: ArenaRange?
    fileprivate var next: Int32

    mutating func next(in arena: borrowing WriteArena) -> ArenaRange? {
      if let range = only {
        only = nil
        return range
      }
      guard next != WriteArena.none else { return nil }
      let segment = arena.segments[Int(next)]
      next = segment.next
      return segment.range
    }
  }
}
