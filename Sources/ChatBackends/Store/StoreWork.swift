import ChatCore
import ChatProtocol

/// Requests that were submitted together, and where their answers go.
struct StoreWork: Sendable {
  var requests: [StoreRequest]
  var reply: @Sendable ([StoreReply]) -> Void

  func refuse() {
    reply(requests.map { StoreReply(token: $0.token, result: .unavailable) })
  }

  /// Bytes of message bodies, which is what waiting work costs in memory.
  var bodyBytes: Int {
    requests.reduce(0) { total, request in
      guard case .append(let draft) = request.operation else { return total }
      return total + draft.content.bodyCount
    }
  }

  /// Cuts a batch into pieces that one group may hold.
  static func pieces(
    of batch: [StoreRequest], requestsMax: Int,
    reply: @escaping @Sendable ([StoreReply]) -> Void
  ) -> [StoreWork] {
    if batch.count <= requestsMax { return [StoreWork(requests: batch, reply: reply)] }
    return stride(from: 0, to: batch.count, by: requestsMax).map { start in
      let end = min(start + requestsMax, batch.count)
      return StoreWork(requests: Array(batch[start..<end]), reply: reply)
    }
  }
}

extension StoreRequest {
  var isAppend: Bool {
    if case .append = operation { true } else { false }
  }
}

/// What may wait for a database at once; more is refused with `.unavailable`.
struct StoreQueueLimits: Sendable {
  var requestsMax = 32_768
  var bodyBytesMax = 64 << 20
}
