/// What a socket has written in this turn: stretches of the loop's arena, in order.
///
/// The first, nearly always the only one, stands here; those behind it are linked in the arena.
struct WriteList {
  private var firstOffset: UInt32 = 0
  private var firstCount: UInt32 = 0
  /// Bytes of all stretches.
  private(set) var byteCount: UInt32 = 0
  private var second = WriteArena.none
  private var last = WriteArena.none

  var isEmpty: Bool { byteCount == 0 }

  /// The stretch that is all there is; nil when there are others.
  var only: ArenaRange? { second == WriteArena.none ? first : nil }

  private var first: ArenaRange {
    ArenaRange(offset: Int(firstOffset), count: Int(firstCount))
  }

  /// Makes `range` part of the one stretch there is, if it follows it directly, as consecutive
  /// writes do.
  mutating func lengthen(by range: ArenaRange) -> Bool {
    guard !isEmpty, second == WriteArena.none, Int(firstOffset &+ firstCount) == range.offset
    else { return false }
    let count = UInt32(truncatingIfNeeded: range.count)
    firstCount &+= count
    byteCount += count
    return true
  }

  /// Appends a stretch that is not empty. The arena is below 4 GiB.
  mutating func append(_ range: ArenaRange, in arena: inout WriteArena) {
    if isEmpty {
      firstOffset = UInt32(range.offset)
      firstCount = UInt32(range.count)
    } else if lengthen(by: range) {
      return
    } else if second == WriteArena.none {
      second = arena.append(range)
      last = second
    } else if !arena.lengthen(last, by: range) {
      last = arena.append(range, after: last)
    }
    byteCount += UInt32(range.count)
  }

  /// All stretches in order.
  var ranges: Ranges { Ranges(first: first, next: second) }

  struct Ranges {
    private var first: ArenaRange?
    private var next: Int32

    fileprivate init(first: ArenaRange, next: Int32) {
      self.first = first
      self.next = next
    }

    mutating func next(in arena: borrowing WriteArena) -> ArenaRange? {
      if let range = first {
        first = nil
        return range
      }
      guard next != WriteArena.none else { return nil }
      let segment = arena.segments[Int(next)]
      next = segment.next
      return segment.range
    }
  }
}
