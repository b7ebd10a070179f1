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
    requests.reduce(0) { $0 + $1.bodyBytes }
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
  var isWrite: Bool {
    switch operation {
    case .append, .changeRoom, .mark, .removeExpired: true
    case .conversations, .messages, .members: false
    }
  }

  var bodyBytes: Int {
    switch operation {
    case .append(let draft): draft.content.bodyCount
    case .changeRoom(let draft): draft.content.bodyCount
    case .mark, .conversations, .messages, .members, .removeExpired: 0
    }
  }
}

extension RoomDraft {
  /// The entry that tells of the change.
  var entry: Draft {
    Draft(
      conversation: conversation, sender: actor, content: content, kind: .room, reference: nil,
      timestamp: timestamp)
  }
}

extension Message {
  /// What stands in place of a body that is gone.
  static let emptyBody = Array("{}".utf8)
}

extension Revision {
  /// By what a store has noted of a message.
  init?(editedBy: UInt64?, deletedBy: UInt64?) {
    if let deletedBy {
      self = .deleted(by: deletedBy)
    } else if let editedBy {
      self = .edited(by: editedBy)
    } else {
      return nil
    }
  }
}

/// What may wait for a database at once; more is refused with `.unavailable`.
struct StoreQueueLimits: Sendable {
  var requestsMax = 32_768
  var bodyBytesMax = 64 << 20
}
