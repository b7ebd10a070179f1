package import Bytes
import JSON

/// What a client of Spring's convention reads in a `MESSAGE`: the JSON of a chat message, of an
/// error, of a gap.
package enum SpringMessage {
  /// Appends a message, the same for all of its readers. False, and nothing, for an entry that the
  /// convention has no form for: edits, deletions, reactions, and changes of a room but of its members.
  ///
  /// `seq` and `messageId` are what `resume` and a repeated `SEND` need; the convention has neither. Who
  /// came to a room or left it is the sender of a `JOIN` or `LEAVE`; of several the first stands for all.
  package static func encode(_ message: Message, into buffer: inout ByteBuffer) -> Bool {
    guard let (type, sender) = form(of: message) else { return false }
    let conversation = message.conversation
    buffer.append(#"{"id":"#)
    buffer.append(jsonString: "\(conversation.key):\(message.sequence)")
    buffer.append(#","sender":"#)
    buffer.append(jsonString: sender.name)
    let receiver = conversation.isRoom ? nil : conversation.address(seenBy: message.sender)
    buffer.append(#","receiver":"#)
    append(receiver, to: &buffer)
    buffer.append(#","content":"#)
    var attachment = Array("null".utf8)
    if message.kind == .message {
      attachment = message.content.withBody { appendContent($0, to: &buffer) }
    } else {
      buffer.append("\"\"")
    }
    buffer.append(#","type":""#)
    buffer.append(type)
    buffer.append(#"","roomId":"#)
    append(conversation.room.map { .room($0) }, to: &buffer)
    buffer.append(#","timestamp":""#)
    buffer.append(dateTime: message.timestamp)
    buffer.append(#"","senderId":"#)
    buffer.append(jsonString: sender.name)
    buffer.append(#","receiverId":"#)
    append(receiver, to: &buffer)
    buffer.append(#","status":"SENT","attachmentUrl":"#)
    buffer.append(attachment)
    buffer.append(#","messageId":"#)
    message.content.withClientID { buffer.append(jsonString: $0) }
    buffer.append(#","seq":"#)
    buffer.append(decimal: message.sequence)
    buffer.append("}")
    return true
  }

  /// Whether the convention has a form for the entry.
  static func hasForm(_ message: Message) -> Bool { form(of: message) != nil }

  private static func form(of message: Message) -> (type: StaticString, sender: UserID)? {
    switch message.kind {
    case .message: return ("CHAT", message.sender)
    case .edit, .delete, .react: return nil
    case .room: break
    }
    switch message.content.withBody({ RoomChange(body: $0) }) {
    case .create, .join: return ("JOIN", message.sender)
    case .invite(let users): return users.first.map { ("JOIN", $0) }
    case .leave: return ("LEAVE", message.sender)
    case .kick(let user): return ("LEAVE", user)
    case .setRole, .update, nil: return nil
    }
  }

  private static func append(_ address: Address?, to buffer: inout ByteBuffer) {
    guard let address else { return buffer.append("null") }
    append(address, to: &buffer)
  }

  private static func append(_ address: Address, to buffer: inout ByteBuffer) {
    switch address {
    case .user(let user): buffer.append(jsonString: user.name)
    case .room(let name): buffer.append(jsonString: name)
    }
  }

  /// Appends the text of a body, or the body itself as text where it has none, so that its readers
  /// see that something came. Gives the JSON of `attachmentUrl`.
  private static func appendContent(
    _ body: UnsafeRawBufferPointer, to buffer: inout ByteBuffer
  ) -> [UInt8] {
    var scanner = JSONScanner(body)
    var text = JSONValue()
    var attachment = JSONValue()
    // It was checked when it was sent, so there is no error to come; its end is not looked at.
    try? scanner.object(depth: 0) { (scanner, key) throws(JSONError) in
      let field = scanner.withContent(of: key) { key in
        key.elementsEqual("text".utf8) ? 0 : key.elementsEqual("attachmentUrl".utf8) ? 1 : 2
      }
      let value = try scanner.value(depth: 1)
      if field == 0, value.isString { text = value }
      if field == 1, value.isString { attachment = value }
    }
    if text.isString {
      buffer.append(scanner.raw(text))
    } else {
      buffer.append(jsonString: body)
    }
    return attachment.isString ? Array(scanner.raw(attachment)) : Array("null".utf8)
  }

  /// Appends an error. `code` and `errorCode` are the same: clients look for the one or the other.
  package static func encode(
    _ code: ErrorCode, _ message: String, retryAfterMilliseconds: Int?,
    into buffer: inout ByteBuffer
  ) {
    beginError(code.rawValue, message, into: &buffer)
    if let retryAfterMilliseconds {
      buffer.append(#","retryAfterSeconds":"#)
      buffer.append(decimal: Int64((retryAfterMilliseconds + 999) / 1000))
    }
    buffer.append("}")
  }

  /// Appends where messages were left out.
  package static func encodeGap(
    in conversation: Address, after: UInt64, before: UInt64, into buffer: inout ByteBuffer
  ) {
    beginError("gap", "messages were left out", into: &buffer)
    buffer.append(#","conversation":"#)
    append(conversation, to: &buffer)
    buffer.append(#","after":"#)
    buffer.append(decimal: after)
    buffer.append(#","before":"#)
    buffer.append(decimal: before)
    buffer.append("}")
  }

  private static func beginError(
    _ code: String, _ message: String, into buffer: inout ByteBuffer
  ) {
    buffer.append(#"{"code":"#)
    buffer.append(jsonString: code)
    buffer.append(#","errorCode":"#)
    buffer.append(jsonString: code)
    buffer.append(#","message":"#)
    buffer.append(jsonString: message)
  }
}
