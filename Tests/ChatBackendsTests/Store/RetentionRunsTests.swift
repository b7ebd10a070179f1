import ChatBackends
import ChatCore
import Reactor
import TestKernel
import Testing

@Suite struct RetentionRunsTests {
  private let kernel = FakeKernel()
  private let loop: EventLoop
  private let store = ScriptedStore()

  init() throws {
    kernel.stopClock()
    kernel.waitMillisecondsMax = 0
    loop = try EventLoop(name: "test", kernel: kernel)
  }

  private func makeRuns(keepTime: Duration?) -> RetentionRuns {
    let runs = RetentionRuns(
      keepTime: keepTime, store: store, on: loop, log: quietLog, jitter: { $0.upperBound })
    runs.start()
    return runs
  }

  /// Lets time pass, and gives how often the store was asked meanwhile.
  private func requests(in span: Duration) -> Int {
    let before = store.requests.withLock { $0.count }
    kernel.skew += span
    for _ in 0..<4 { loop.turn() }
    return store.requests.withLock { $0.count } - before
  }

  @Test func `asks once a minute, and on after pauses while there is more`() {
    let runs = makeRuns(keepTime: .seconds(86_400))
    #expect(requests(in: .seconds(74)) == 0)
    store.answers.withLock {
      $0 = [
        .removed(count: 500, isDone: false), .removed(count: 500, isDone: false),
        .removed(count: 7, isDone: true), .removed(count: 1, isDone: false), .unavailable,
      ]
    }
    #expect(requests(in: .seconds(2)) == 1)
    #expect(requests(in: RetentionRuns.pause * 2) == 1)
    #expect(requests(in: RetentionRuns.pause * 2) == 1)
    #expect(requests(in: .seconds(74)) == 0)
    #expect(requests(in: .seconds(2)) == 1)
    #expect(requests(in: RetentionRuns.pause * 2) == 1)
    // A store that is away is asked again with the next run.
    #expect(requests(in: .seconds(74)) == 0)
    #expect(requests(in: .seconds(2)) == 1)
    #expect(runs.removed == 1_008)
    runs.stop()
    #expect(requests(in: .seconds(300)) == 0)
  }

  @Test func `asks for what is older than the time, or for what rooms say alone`() throws {
    for keepTime in [Duration.seconds(3_600), nil] {
      let runs = makeRuns(keepTime: keepTime)
      #expect(requests(in: .seconds(76)) == 1)
      let request = try #require(store.requests.withLock { $0.last })
      guard case .removeExpired(let keptSince, let now, let limit) = request else {
        Issue.record("\(request)")
        return
      }
      #expect(keptSince == (keepTime == nil ? 0 : now - 3_600_000))
      #expect(limit == RetentionRuns.entriesMax)
      runs.stop()
    }
  }

  @Test func `runs more often where entries are kept for a short time`() {
    let runs = makeRuns(keepTime: .seconds(40))
    #expect(requests(in: .seconds(6)) == 1)
    #expect(requests(in: .seconds(6)) == 1)
    runs.stop()
  }
}

/// Answers as it was told to, and that there is nothing to remove beyond that.
private final class ScriptedStore: MessageStore {
  let requests = Locked<[StoreRequest.Operation]>([])
  let answers = Locked<[StoreReply.Result]>([])

  func submit(_ batch: [StoreRequest], reply: @escaping @Sendable ([StoreReply]) -> Void) {
    requests.withLock { $0 += batch.map(\.operation) }
    reply(
      batch.map { request in
        let result = answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        return StoreReply(
          token: request.token, result: result ?? .removed(count: 0, isDone: true))
      })
  }
}
