package import Bytes
import JSON

/// Typing and reading in Spring's convention.
package enum SpringSignal {
  /// A `SEND` to `/app/chat.typing`: JSON `{receiver | roomId}`.
  package static func decodeTyping(
    _ json: UnsafeRawBufferPointer, id: RequestID
  ) throws(CommandError) -> Command {
    try answering(id) { () throws(CommandError) in
      .typing(try SpringFields(wellFormed: json).address())
    }
  }

  /// A `SEND` to `/app/chat.read`: JSON `{receiver | sender | roomId, messageId | seq}`, of which
  /// `messageId` is the `id` of the message that was read last: its number stands behind the last colon.
  package static func decodeRead(
    _ json: UnsafeRawBufferPointer, id: RequestID
  ) throws(CommandError) -> Command {
    try answering(id) { () throws(CommandError) in
      let fields = try SpringFields(wellFormed: json)
      let written = try fields.name(.messageId, or: .id)?.split(separator: ":").last
      let text = try fields.name(.seq) ?? written.map(String.init)
      guard let sequence = text.flatMap({ UInt64($0) }), sequence < 1 << 53 else {
        throw CommandError(.badRequest, "messageId or seq is missing")
      }
      return .mark(
        Command.Mark(
          id: id, to: try fields.address(or: .sender), received: sequence, read: sequence))
    }
  }

  private static func answering(
    _ id: RequestID, _ decode: () throws(CommandError) -> Command
  ) throws(CommandError) -> Command {
    do throws(CommandError) {
      return try decode()
    } catch {
      throw CommandError(error.code, error.message, id: id, isMalformed: error.isMalformed)
    }
  }

  /// Appends that `user` types in a conversation, to `reader` where it is a direct one.
  package static func encodeTyping(
    in conversation: Address, by user: UserID, to reader: UserID, into buffer: inout ByteBuffer
  ) {
    begin("TYPING", in: conversation, by: user, to: reader, into: &buffer)
    buffer.append("}")
  }

  /// Appends how far `user` has received and read.
  package static func encodeRead(
    in conversation: Address, by user: UserID, to reader: UserID, _ marks: PeerMarks,
    into buffer: inout ByteBuffer
  ) {
    begin("READ", in: conversation, by: user, to: reader, into: &buffer)
    buffer.append(#","status":""#)
    buffer.append(marks.read == marks.received ? "READ" : "DELIVERED")
    buffer.append(#"","received":"#)
    buffer.append(decimal: marks.received)
    buffer.append(#","seq":"#)
    buffer.append(decimal: marks.read)
    buffer.append("}")
  }

  private static func begin(
    _ type: StaticString, in conversation: Address, by user: UserID, to reader: UserID,
    into buffer: inout ByteBuffer
  ) {
    buffer.append(#"{"type":""#)
    buffer.append(type)
    buffer.append(#"","sender":"#)
    buffer.append(jsonString: user.name)
    buffer.append(#","senderId":"#)
    buffer.append(jsonString: user.name)
    switch conversation {
    case .user(let other):
      // A receipt of the reader's own other device is about the other.
      let receiver = user == reader ? other : reader
      buffer.append(#","receiver":"#)
      buffer.append(jsonString: receiver.name)
      buffer.append(#","receiverId":"#)
      buffer.append(jsonString: receiver.name)
      buffer.append(#","roomId":null"#)
    case .room(let name):
      buffer.append(#","receiver":null,"receiverId":null,"roomId":"#)
      buffer.append(jsonString: name)
    }
  }
}
