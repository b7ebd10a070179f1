import Testing

@testable import ChatCore

@Suite
struct AlarmQueueTests {
  @Test
  func `gives alarms in the order of their deadlines, when due`() {
    var random = RandomSource(seed: 3)
    var queue = AlarmQueue<Int64>()
    let deadlines = (0..<500).map { _ in Int64.random(in: 0..<1_000, using: &random) }
    for deadline in deadlines { queue.set(deadline, at: deadline) }
    var taken: [Int64] = []
    for now in stride(from: Int64(0), through: 1_000, by: 50) {
      while let (alarm, deadline) = queue.next(dueAt: now) {
        #expect(alarm == deadline)
        #expect(deadline <= now)
        taken.append(deadline)
      }
      #expect(queue.nextDeadline ?? .max > now)
    }
    #expect(taken == deadlines.sorted())
  }
}
