internal import Bytes

/// A stretch of the loop's write arena.
package struct ArenaRange: Sendable {
  package var offset: Int
  package var count: Int

  package init(offset: Int, count: Int) {
    self.offset = offset
    self.count = count
  }

  /// The last `count` bytes of the stretch, which has so many.
  package func suffix(_ count: Int) -> ArenaRange {
    precondition(count >= 0 && count <= self.count, "a suffix longer than the stretch")
    return ArenaRange(offset: offset + self.count - count, count: count)
  }
}

/// Where all that a loop writes is put until the next flush, at the end of the turn or before.
///
/// A socket does not own what it is about to send: it names stretches of the arena, so a write
/// allocates nothing, several writes to a socket that follow one another are one stretch, and a
/// frame for ten thousand readers stands here once. Then every socket is flushed, keeps a copy of
/// what the kernel did not take, and the arena is empty again.
struct WriteArena: ~Copyable {
  struct Segment {
    var range: ArenaRange
    var next: Int32
  }

  /// A turn that has written more flushes before its next event: the kernel then copies from the
  /// first-level cache. Echoes of 16 KiB reached 0.87 of a C server's rate with 256 KiB here, and
  /// 0.99 with 16.
  static let flushBytes = 16 * 1024
  static let firstBytes = 64 * 1024
  /// Memory kept from one turn to the next.
  static let keptBytes = 512 * 1024
  /// Flushes that need no more than at first, one after the other, until what more there is goes back.
  static let quietFlushesMax = 1024
  static let none: Int32 = -1

  let buffer: UnsafeMutablePointer<ByteBuffer>
  var segments: ContiguousArray<Segment> = []
  /// Sockets that have written and not been flushed.
  var unflushedSockets = 0
  private var quietFlushes = 0

  init() {
    buffer = .allocate(capacity: 1)
    buffer.initialize(to: ByteBuffer(minimumCapacity: Self.firstBytes))
  }

  deinit {
    buffer.deinitialize(count: 1)
    buffer.deallocate()
  }

  /// Whether the turn has written so much that it should flush before its next event.
  var isLarge: Bool { buffer.pointee.count >= Self.flushBytes }

  /// Makes `range` part of the segment if it follows it directly, as consecutive writes do.
  mutating func lengthen(_ segment: Int32, by range: ArenaRange) -> Bool {
    let last = segments[Int(segment)].range
    guard last.offset + last.count == range.offset else { return false }
    segments[Int(segment)].range.count += range.count
    return true
  }

  /// Adds a segment, and links it behind `tail` if there is one; gives its number.
  mutating func append(_ range: ArenaRange, after tail: Int32 = WriteArena.none) -> Int32 {
    let added = Int32(segments.count)
    segments.append(Segment(range: range, next: Self.none))
    if tail != Self.none { segments[Int(tail)].next = added }
    return added
  }

  mutating func removeAll() {
    guard buffer.pointee.count > 0 else { return }
    precondition(unflushedSockets == 0, "a handler scheduled a flush and did not flush its socket")
    if !segments.isEmpty { segments.removeAll(keepingCapacity: segments.count <= 4096) }
    if buffer.pointee.count > Self.firstBytes { quietFlushes = 0 } else { quietFlushes += 1 }
    let isQuiet =
      quietFlushes > Self.quietFlushesMax && buffer.pointee.capacity > Self.firstBytes
    if buffer.pointee.capacity > Self.keptBytes || isQuiet {
      buffer.pointee = ByteBuffer(minimumCapacity: Self.firstBytes)
    } else {
      buffer.pointee.removeAll()
    }
  }
}
