import ChatCore
import Reactor
import Synchronization

/// Where the answer to one request goes.
struct PostgresRequestOrigin {
  /// One batch as it was submitted.
  final class Batch {
    let reply: @Sendable ([StoreReply]) -> Void

    init(_ reply: @escaping @Sendable ([StoreReply]) -> Void) { self.reply = reply }
  }

  let batch: Batch
  let token: UInt64
  let bodyBytes: Int
  let arrival: Instant
}

/// What is submitted and not yet answered, counted on any thread.
final class StoreBudget: Sendable {
  private let limits: StoreQueueLimits
  private let requests = Atomic(0)
  private let bodyBytes = Atomic(0)

  init(limits: StoreQueueLimits) { self.limits = limits }

  /// False when that would be too much at once.
  func admit(_ work: StoreWork) -> Bool {
    let bytes = work.bodyBytes
    let allRequests = requests.add(work.requests.count, ordering: .relaxed).newValue
    let allBytes = bodyBytes.add(bytes, ordering: .relaxed).newValue
    if allRequests <= limits.requestsMax && allBytes <= limits.bodyBytesMax { return true }
    release(requests: work.requests.count, bodyBytes: bytes)
    return false
  }

  func release(requests count: Int, bodyBytes bytes: Int) {
    requests.subtract(count, ordering: .relaxed)
    bodyBytes.subtract(bytes, ordering: .relaxed)
  }
}
