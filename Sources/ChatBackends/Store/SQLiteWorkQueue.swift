import ChatCore

/// Work on its way to the SQLite thread, in the order submitted.
final class SQLiteWorkQueue: Sendable {
  private struct State {
    var waiting: [StoreWork] = []
    var requests = 0
    var bodyBytes = 0
    var isClosed = false

    mutating func takeAll() -> [StoreWork]? {
      if waiting.isEmpty && !isClosed { return nil }
      defer { self = State(isClosed: isClosed) }
      return waiting
    }
  }

  private let monitor = Monitor(State())
  private let limits: StoreQueueLimits

  init(limits: StoreQueueLimits = StoreQueueLimits()) {
    self.limits = limits
  }

  /// False when the queue is full or closed: the caller answers for the work.
  func put(_ work: StoreWork) -> Bool {
    let bodyBytes = work.bodyBytes
    return monitor.update { state in
      guard !state.isClosed, state.requests + work.requests.count <= limits.requestsMax,
        state.bodyBytes + bodyBytes <= limits.bodyBytesMax
      else { return false }
      state.requests += work.requests.count
      state.bodyBytes += bodyBytes
      state.waiting.append(work)
      return true
    }
  }

  /// Waits for work and takes all there is; empty once the queue is closed and drained.
  func takeAll() -> [StoreWork] { monitor.wait { $0.takeAll() } }

  /// The same, but gives up after a while; then nil.
  func takeAll(within limit: Duration) -> [StoreWork]? {
    monitor.wait(atMost: limit) { $0.takeAll() }
  }

  /// Takes nothing more; the thread does what waits and ends.
  func close() { monitor.update { $0.isClosed = true } }
}
