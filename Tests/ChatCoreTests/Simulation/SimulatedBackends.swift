import ChatProtocol

@testable import ChatCore

/// The store's truth. When a request takes effect and when it is answered is the world's affair.
struct SimulatedStore {
  private struct SendKey: Hashable {
    var sender: UserID
    var clientID: String
  }

  private(set) var logs: [ConversationID: [Message]] = [:]
  private var sent: [SendKey: Message] = [:]
  private var memberships: [UserID: [ConversationID]] = [:]

  mutating func perform(_ operation: StoreRequest.Operation) -> StoreReply.Result {
    switch operation {
    case .append(let draft):
      append(draft)
    case .conversations(of: let user, let limit):
      .conversations(Array(states(of: user).prefix(limit)))
    case .messages(in: let conversation, let after, let before, let limit, let fromStart):
      .messages(
        messages(conversation, after: after, before: before, limit: limit, fromStart: fromStart))
    }
  }

  func head(_ conversation: ConversationID) -> UInt64 {
    UInt64(logs[conversation]?.count ?? 0)
  }

  func conversations(of user: UserID) -> [ConversationID] {
    memberships[user] ?? []
  }

  private mutating func append(_ draft: Draft) -> StoreReply.Result {
    let key = SendKey(sender: draft.sender, clientID: draft.content.clientID)
    if let first = sent[key] {
      guard first.conversation == draft.conversation, first.content == draft.content,
        first.reference == draft.reference
      else { return .conflict }
      return .appended(
        sequence: first.sequence, timestamp: first.timestamp, isDuplicate: true)
    }
    let timestamp = max(draft.timestamp, logs[draft.conversation]?.last?.timestamp ?? 0)
    let message = Message(
      conversation: draft.conversation, sequence: head(draft.conversation) + 1,
      sender: draft.sender, content: draft.content, timestamp: timestamp,
      reference: draft.reference)
    if message.sequence == 1 {
      for member in draft.conversation.members {
        memberships[member, default: []].append(draft.conversation)
      }
    }
    logs[draft.conversation, default: []].append(message)
    sent[key] = message
    return .appended(sequence: message.sequence, timestamp: timestamp, isDuplicate: false)
  }

  private func states(of user: UserID) -> [ConversationState] {
    conversations(of: user).map {
      ConversationState(conversation: $0, head: head($0), received: 0, read: 0)
    }
  }

  private func messages(
    _ conversation: ConversationID, after: UInt64, before: UInt64, limit: Int, fromStart: Bool
  ) -> [Message] {
    let log = logs[conversation] ?? []
    let low = min(Int(after), log.count)
    let all = log[low..<max(low, min(Int(before) - 1, log.count))]
    return Array(fromStart ? all.prefix(limit) : all.suffix(limit))
  }
}
