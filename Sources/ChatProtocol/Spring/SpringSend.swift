import Bytes
import JSON

/// A `SEND` of Spring's convention: JSON `{receiver | roomId, content}`.
package enum SpringSend {
  /// Reads the JSON in place, all of which is checked.
  ///
  /// What others get to see is made of `content` and `attachmentUrl` alone: whatever the client
  /// says of the sender, the time or the state of the message is not looked at.
  /// - Parameters:
  ///   - id: goes with the command, and with its refusal.
  ///   - messageID: the client's own id of the message where a header has it; else the JSON may.
  ///   - makeMessageID: gives one to a message that has none.
  package static func decode(
    _ json: UnsafeRawBufferPointer, id: RequestID, messageID: String?,
    makeMessageID: () -> String
  ) throws(CommandError) -> Command.Send {
    do throws(CommandError) {
      let fields = try SpringFields(wellFormed: json)
      let clientID = try clientID(messageID, fields) ?? makeMessageID()
      let to = try fields.address()
      return Command.Send(
        id: id, clientID: clientID, to: to, body: try body(fields), reference: nil)
    } catch {
      throw CommandError(error.code, error.message, id: id, isMalformed: error.isMalformed)
    }
  }

  private static func clientID(
    _ messageID: String?, _ fields: SpringFields
  ) throws(CommandError) -> String? {
    let inJSON = try fields.name(.messageId, or: .id)
    guard let id = messageID ?? inJSON else { return nil }
    let bytesMax = Command.Send.clientIDBytesMax
    guard 1...bytesMax ~= id.utf8.count, !id.utf8.contains(where: ASCII.isControl) else {
      throw CommandError(
        .badRequest, "messageId must have 1 to \(bytesMax) bytes and no control characters")
    }
    return id
  }

  /// The strings go on as they were written, quotes and escapes included.
  private static func body(_ fields: SpringFields) throws(CommandError) -> [UInt8] {
    guard let content = try fields.string(.content) else {
      throw CommandError(.badRequest, "content is missing")
    }
    var body = Array(#"{"text":"#.utf8)
    body.append(contentsOf: fields.scanner.raw(content))
    if let url = try fields.string(.attachmentUrl) {
      body.append(contentsOf: #","attachmentUrl":"#.utf8)
      body.append(contentsOf: fields.scanner.raw(url))
    }
    body.append(UInt8(ascii: "}"))
    guard body.count <= Command.Send.bodyBytesMax else {
      throw CommandError(
        .tooLarge, "content is longer than \(Command.Send.bodyBytesMax) bytes with its frame")
    }
    return body
  }
}
