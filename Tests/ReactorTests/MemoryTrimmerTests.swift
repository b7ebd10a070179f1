import Testing

@testable import Reactor

@Suite struct MemoryTrimmerTests {
  @Test func `acts once after each burst, when the process has come to rest`() {
    var course = MemoryTrimmer.Course()
    let intervals: [(used: Int, isAtRest: Bool)] = [
      // A start, and idleness that never adds up to a burst within its time.
      (100, false), (10, false), (10, false),
      // A burst: it lasts, then ends.
      (4_000, false), (5_000, false), (249, true), (10, false), (10, false),
      // A short one, and one just below the limit of rest.
      (500, false), (250, false), (200, true), (0, false),
      // Light work that never rests for long, and never is a burst.
      (240, false), (240, false), (240, false), (240, false),
    ]
    var total = Duration.zero
    for (used, isAtRest) in intervals {
      total += .milliseconds(used)
      #expect(course.isAtRest(after: total) == isAtRest)
    }
  }
}
