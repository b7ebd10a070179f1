internal import Foundation
internal import Reactor

/// Gathers values from any thread for a test that waits for them.
package final class Collector<Value: Sendable>: Sendable {
  private let values = Locked<[Value]>([])

  package init() {}

  package func add(_ value: Value) { values.withLock { $0.append(value) } }
  package func add(_ batch: [Value]) { values.withLock { $0.append(contentsOf: batch) } }
  package var all: [Value] { values.withLock { $0 } }
  package func removeAll() { values.withLock { $0 = [] } }

  /// Waits until `isEnough`; gives what there is, also when the time is over.
  @discardableResult
  package func wait(
    _ timeout: Duration = .seconds(10), until isEnough: ([Value]) -> Bool
  ) async -> [Value] {
    let end = ContinuousClock.now + timeout
    while ContinuousClock.now < end {
      let values = all
      if isEnough(values) { return values }
      try? await Task.sleep(for: .milliseconds(5))
    }
    return all
  }
}

/// Waits until `condition` holds; says whether it did in time.
package func eventually(
  within timeout: Duration = .seconds(10), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let end = ContinuousClock.now + timeout
  while ContinuousClock.now < end {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(20))
  }
  return false
}
