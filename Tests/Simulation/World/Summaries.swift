import ChatCore
import ChatProtocol

// What a trace says of things: enough to follow one entry through nodes and back ends.

extension Event {
  var summary: String {
    switch self {
    case .ready(let ready):
      let places = ready.conversations.map { "\($0.address) \($0.head)" }
      return "ready \(places)"
    case .message(let message, conversation: let address):
      return "\(address) \(message.sequence) \(message.kind) of \(message.sender)"
    case .ack(let ack): return "ack \(ack.conversation) \(ack.sequence)"
    case .gap(conversation: let address, let after, let before, let cause):
      return "gap \(address) \(after)..\(before)\(cause == .removal ? " removed" : "")"
    case .error(_, let code, let message, _): return "error \(code) \(message)"
    case .done: return "ok"
    case .receipt(conversation: let address, let user, let marks):
      return "\(address): \(user) has \(marks.received), read \(marks.read)"
    case .typing(conversation: let address, let user): return "\(address): \(user) types"
    case .presence(let user, let presence): return "\(user) is \(presence.state)"
    case .watching(_, let users):
      return "watching \(users.map { "\($0.user) \($0.presence.state)" })"
    default: return "another"
    }
  }
}

extension Envelope {
  var summary: String {
    switch self {
    case .deliver(let delivery):
      "\(delivery.message.conversation) \(delivery.message.sequence) for \(delivery.recipients)"
    case .replace(let user, let device, _): "replace \(user)/\(device)"
    case .restore(let user, let device, _): "restore \(user)/\(device)"
    case .relay: "relay"
    case .signal: "signal"
    }
  }
}

extension StoreRequest.Operation {
  var summary: String {
    switch self {
    case .append(let draft): "append \(draft.conversation) of \(draft.sender)"
    case .changeRoom(let draft): "\(draft.change) in \(draft.conversation) by \(draft.actor)"
    case .mark(let user, let conversation, let received, let read):
      "mark \(conversation) of \(user) \(received) \(read)"
    case .conversations(of: let user, limit: _, countsUnread: _): "conversations of \(user)"
    case .messages(in: let conversation, let reader, let after, let before, _, _):
      "messages of \(conversation) \(after)..\(before) for \(reader.map { "\($0)" } ?? "all")"
    case .members: "members"
    case .removeExpired: "remove what is old"
    }
  }
}

extension StoreReply.Result {
  var summary: String {
    switch self {
    case .appended(let sequence, _, let isDuplicate): "\(sequence)\(isDuplicate ? " again" : "")"
    case .conversations(let states): "\(states.map { "\($0.conversation) \($0.head)" })"
    case .messages(let messages, lowWaterMark: let mark):
      "\(messages.map(\.sequence)) above \(mark)"
    case .refused(let refusal): "refused \(refusal)"
    default: "done"
    }
  }
}
