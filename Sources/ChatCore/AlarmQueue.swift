/// Deadlines in rising order: a binary heap.
///
/// Nothing is taken back out of it. Whoever set an alarm checks at its time whether it still
/// means something, so an alarm costs nothing when what it waited for happens.
package struct AlarmQueue<Alarm> {
  private struct Entry {
    var deadline: Int64
    var alarm: Alarm
  }

  private var heap: [Entry] = []

  package init() {}

  package var nextDeadline: Int64? { heap.first?.deadline }
  package var count: Int { heap.count }

  package mutating func set(_ alarm: Alarm, at deadline: Int64) {
    heap.append(Entry(deadline: deadline, alarm: alarm))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].deadline < heap[parent].deadline else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Takes the earliest alarm that is due.
  package mutating func next(dueAt now: Int64) -> (alarm: Alarm, deadline: Int64)? {
    guard let first = heap.first, first.deadline <= now else { return nil }
    let last = heap.removeLast()
    shrink()
    guard !heap.isEmpty else { return (first.alarm, first.deadline) }
    heap[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].deadline < heap[child].deadline { child += 1 }
      guard heap[child].deadline < heap[parent].deadline else { break }
      heap.swapAt(child, parent)
      parent = child
    }
    return (first.alarm, first.deadline)
  }

  /// After many alarms at once, as when sessions come in a storm.
  private mutating func shrink() {
    guard heap.capacity > 1024, heap.count < heap.capacity / 3 else { return }
    var smaller: [Entry] = []
    smaller.reserveCapacity(heap.count * 3 / 2)
    smaller.append(contentsOf: heap)
    heap = smaller
  }
}
