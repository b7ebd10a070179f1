import Foundation
import Reactor

/// An event loop on a thread of its own, that tests put their parts on.
final class TestLoop: Sendable {
  typealias Work = @Sendable (EventLoop) -> Void
  private let mailbox: Mailbox<Work>

  init() {
    let made = DispatchSemaphore(value: 0)
    let box = Locked<Mailbox<Work>?>(nil)
    _ = LoopThread(name: "test") { loop in
      let mailbox = loop.makeMailbox(Work.self) { batch in for work in batch { work(loop) } }
      box.withLock { $0 = mailbox }
      made.signal()
    }
    made.wait()
    mailbox = box.withLock { $0! }
  }

  deinit { mailbox.post { $0.stop() } }

  /// Runs `body` on the loop and waits for what it returns.
  func run<Value: Sendable>(_ body: @escaping @Sendable (EventLoop) -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      mailbox.post { continuation.resume(returning: body($0)) }
    }
  }
}

/// Gathers values from any thread for a test that waits for them.
final class Collector<Value: Sendable>: Sendable {
  private let values = Locked<[Value]>([])

  func add(_ value: Value) { values.withLock { $0.append(value) } }
  func add(_ batch: [Value]) { values.withLock { $0.append(contentsOf: batch) } }
  var all: [Value] { values.withLock { $0 } }
  func removeAll() { values.withLock { $0 = [] } }

  /// Waits until `isEnough`; gives what there is, also when the time is over.
  @discardableResult
  func wait(
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
func eventually(
  within timeout: Duration = .seconds(10), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let end = ContinuousClock.now + timeout
  while ContinuousClock.now < end {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(20))
  }
  return false
}
