package import Bytes
import JSON

extension Event {
  /// Appends the frame as clients read it: one JSON object, without allocating but for growth.
  package func encode(into buffer: inout ByteBuffer) {
    switch self {
    case .ready(let ready):
      ready.encode(into: &buffer)
    case .ack(let ack):
      ack.encode(into: &buffer)
    case .message(let message, let conversation):
      buffer.append(#"{"type":"msg","conv":"#)
      buffer.append(conversation)
      buffer.append(",")
      buffer.append(fieldsOf: message)
      buffer.append("}")
    case .page(let id, let conversation, let items, let more):
      buffer.append(#"{"type":"page""#)
      buffer.append(id)
      buffer.append(#","conv":"#)
      buffer.append(conversation)
      buffer.append(#","items":"#)
      buffer.append(array: items) { $0.appendItem($1) }
      buffer.append(#","more":"#)
      buffer.append(bool: more)
      buffer.append("}")
    case .conversations(let id, let summaries):
      buffer.append(#"{"type":"conversations""#)
      buffer.append(id)
      buffer.append(#","items":"#)
      buffer.append(summaries: summaries)
      buffer.append("}")
    case .pong(let id):
      buffer.append(#"{"type":"pong""#)
      buffer.append(id)
      buffer.append("}")
    case .done(let id):
      buffer.append(#"{"type":"ok""#)
      buffer.append(id)
      buffer.append("}")
    case .receipt(let conversation, let user, let marks):
      buffer.begin("receipt", conversation, user)
      buffer.append(marks)
      buffer.append("}")
    case .typing(let conversation, let user):
      buffer.begin("typing", conversation, user)
      buffer.append("}")
    case .presence(let user, let presence):
      buffer.append(#"{"type":"presence","#)
      buffer.append(fieldsOf: WatchedUser(user, presence))
      buffer.append("}")
    case .watching(let id, let users):
      buffer.append(#"{"type":"ok""#)
      buffer.append(id)
      buffer.append(#","users":"#)
      buffer.append(array: users) { buffer, user in
        buffer.append("{")
        buffer.append(fieldsOf: user)
        buffer.append("}")
      }
      buffer.append("}")
    case .members(let id, let room, let items, let more):
      buffer.append(#"{"type":"members""#)
      buffer.append(id)
      buffer.append(#","room":"#)
      buffer.append(.room(room))
      buffer.append(#","items":"#)
      buffer.append(array: items) { $0.append($1) }
      buffer.append(#","more":"#)
      buffer.append(bool: more)
      buffer.append("}")
    case .gap(let conversation, let after, let before, let cause):
      buffer.append(#"{"type":"gap","conv":"#)
      buffer.append(conversation)
      buffer.append(#","after":"#)
      buffer.append(decimal: after)
      buffer.append(#","before":"#)
      buffer.append(decimal: before)
      buffer.append(cause == .removal ? #","removed":true}"# : "}")
    case .error(let id, let code, let message, let retryAfterMilliseconds):
      buffer.appendError(id, code, message, retryAfterMilliseconds)
    case .reconnect(let milliseconds):
      buffer.append(#"{"type":"reconnect","after_ms":"#)
      buffer.append(decimal: Int64(milliseconds))
      buffer.append("}")
    }
  }
}

extension Event.Ready {
  fileprivate func encode(into buffer: inout ByteBuffer) {
    buffer.append(#"{"type":"ready""#)
    buffer.append(id)
    buffer.append(#","user":"#)
    buffer.append(.user(user))
    buffer.append(#","device":"#)
    buffer.append(jsonString: device)
    buffer.append(#","session":"#)
    buffer.append(jsonString: session)
    buffer.append(#","node":"#)
    buffer.append(jsonString: node)
    buffer.append(#","ping_ms":"#)
    buffer.append(decimal: Int64(pingMilliseconds))
    buffer.append(#","conversations":"#)
    buffer.append(summaries: conversations)
    buffer.append(#","limits":{"frame":"#)
    buffer.append(decimal: Int64(limits.frameBytes))
    buffer.append(#","text":"#)
    buffer.append(decimal: Int64(limits.textBytes))
    buffer.append(#","send_per_min":"#)
    buffer.append(decimal: Int64(limits.sendsPerMinute))
    buffer.append("}}")
  }
}

extension Event.Ack {
  fileprivate func encode(into buffer: inout ByteBuffer) {
    buffer.append(#"{"type":"ack""#)
    content.withRequestID { id in
      guard !id.isEmpty else { return }
      buffer.append(#","id":"#)
      buffer.append(id)
    }
    buffer.append(#","cid":"#)
    content.withClientID { buffer.append(jsonString: $0) }
    buffer.append(#","conv":"#)
    buffer.append(conversation)
    buffer.append(#","seq":"#)
    buffer.append(decimal: sequence)
    buffer.append(#","ts":"#)
    buffer.append(decimal: timestamp)
    buffer.append(#","dup":"#)
    buffer.append(bool: isDuplicate)
    buffer.append("}")
  }
}

// MARK: - Parts of several frames

extension ByteBuffer {
  /// Appends an `id` member behind others, if there is one.
  fileprivate mutating func append(_ id: RequestID?) {
    guard let id else { return }
    append(#","id":"#)
    append(utf8: id.json)
  }

  /// Appends a name as a JSON string. Names hold nothing to escape.
  fileprivate mutating func append(_ address: Address) {
    switch address {
    case .user(let user):
      append("\"@")
      append(utf8: user.name)
    case .room(let name):
      append("\"#")
      append(utf8: name)
    }
    append(UInt8(ascii: "\""))
  }

  fileprivate mutating func append(bool value: Bool) {
    append(value ? "true" : "false")
  }

  fileprivate mutating func append<Element>(
    array elements: [Element], _ element: (inout ByteBuffer, Element) -> Void
  ) {
    append(UInt8(ascii: "["))
    var isFirst = true
    for each in elements {
      if !isFirst { append(UInt8(ascii: ",")) }
      isFirst = false
      element(&self, each)
    }
    append(UInt8(ascii: "]"))
  }

  /// Appends what `msg` and the items of a `page` have in common.
  fileprivate mutating func append(fieldsOf message: Message) {
    append(#""seq":"#)
    append(decimal: message.sequence)
    append(#","from":"#)
    append(.user(message.sender))
    append(#","cid":"#)
    message.content.withClientID { append(jsonString: $0) }
    append(#","ts":"#)
    append(decimal: message.timestamp)
    if message.kind != .message {
      append(#","kind":""#)
      append(utf8: message.kind.name)
      append("\"")
    }
    append(#","body":"#)
    message.content.withBody { append($0) }
    if let reference = message.reference {
      if message.kind == .message { append(#","reply_to":"#) } else { append(#","target":"#) }
      append(decimal: reference)
    }
    switch message.revision {
    case .edited(let sequence): append(member: "edited", sequence)
    case .deleted(let sequence): append(member: "deleted", sequence)
    case nil: break
    }
  }

  private mutating func append(member name: StaticString, _ sequence: UInt64) {
    append(",\"")
    append(name)
    append("\":")
    append(decimal: sequence)
  }

  fileprivate mutating func begin(_ type: StaticString, _ conversation: Address, _ user: UserID) {
    append(#"{"type":""#)
    append(type)
    append(#"","conv":"#)
    append(conversation)
    append(#","user":"#)
    append(.user(user))
  }

  fileprivate mutating func append(_ marks: PeerMarks) {
    append(member: "recv", marks.received)
    append(member: "read", marks.read)
  }

  fileprivate mutating func append(fieldsOf watched: WatchedUser) {
    append(#""user":"#)
    append(.user(watched.user))
    append(#","state":""#)
    append(utf8: watched.presence.state.name)
    append("\"")
    if let lastSeen = watched.presence.lastSeen {
      append(#","last_seen":"#)
      append(decimal: lastSeen)
    }
  }

  fileprivate mutating func append(_ listed: ListedMember) {
    append(#"{"user":"#)
    append(.user(listed.member.user))
    append(#","role":""#)
    append(utf8: listed.member.role.name)
    append("\"")
    append(listed.marks)
    append("}")
  }

  fileprivate mutating func appendItem(_ message: Message) {
    append(UInt8(ascii: "{"))
    append(fieldsOf: message)
    append(UInt8(ascii: "}"))
  }

  fileprivate mutating func append(summaries: [ConversationSummary]) {
    let namesEnd = count + ConversationSummary.namedBytesMax
    append(array: summaries) { $0.append($1, isNamed: $0.count < namesEnd) }
  }

  private mutating func append(_ summary: ConversationSummary, isNamed: Bool) {
    append(#"{"conv":"#)
    append(summary.address)
    append(#","head":"#)
    append(decimal: summary.head)
    append(#","recv":"#)
    append(decimal: summary.received)
    append(#","read":"#)
    append(decimal: summary.read)
    append(#","unread":"#)
    append(decimal: summary.unread)
    if let peer = summary.peer {
      append(#","peer":{"recv":"#)
      append(decimal: peer.received)
      append(member: "read", peer.read)
      append("}")
    }
    if let room = summary.room {
      append(#","role":""#)
      append(utf8: room.role.name)
      append("\"")
      append(member: "since", room.since)
      append(#","members":"#)
      append(decimal: Int64(room.memberCount))
      if isNamed {
        append(#","name":"#)
        append(jsonString: room.settings.name)
        append(#","topic":"#)
        append(jsonString: room.settings.topic)
      }
      append(#","public":"#)
      append(bool: room.settings.isPublic)
      if room.settings.retainDays > 0 {
        append(#","retain":"#)
        append(decimal: Int64(room.settings.retainDays))
      }
    }
    append(UInt8(ascii: "}"))
  }

  fileprivate mutating func appendError(
    _ id: RequestID?, _ code: ErrorCode, _ message: String, _ retryAfterMilliseconds: Int?
  ) {
    append(#"{"type":"error""#)
    append(id)
    append(#","code":"#)
    append(jsonString: code.rawValue)
    append(#","message":"#)
    append(jsonString: message)
    append(#","retryable":"#)
    append(bool: code.isRetryable)
    if let retryAfterMilliseconds {
      append(#","retry_after_ms":"#)
      append(decimal: Int64(retryAfterMilliseconds))
    }
    append(UInt8(ascii: "}"))
  }
}
