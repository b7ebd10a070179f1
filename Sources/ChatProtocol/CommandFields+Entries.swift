import Bytes
import JSON

// The commands that append an entry to a conversation's log.
extension CommandFields {
  func send(_ names: inout NameCache) throws(CommandError) -> Command.Send {
    let body = self[.body]
    guard body.kind == .object else { throw bad("body must be an object") }
    let reference = try sequence(.replyTo)
    guard reference != 0 else { throw bad("reply_to must be at least 1") }
    return try entry(.message, body: try bodyBytes(body), reference: reference, &names)
  }

  func edit(_ names: inout NameCache) throws(CommandError) -> Command.Send {
    let body = self[.body]
    guard body.kind == .object else { throw bad("body must be an object") }
    return try entry(.edit, body: try bodyBytes(body), reference: try target(), &names)
  }

  func delete(_ names: inout NameCache) throws(CommandError) -> Command.Send {
    let target = try target()
    return try Self.withBytes("{}") { (body) throws(CommandError) in
      try entry(.delete, body: body, reference: target, &names)
    }
  }

  /// The body tells which reaction: `{"emoji":"+1"}`, and `"remove":true` where it is taken back.
  func react(_ names: inout NameCache) throws(CommandError) -> Command.Send {
    let target = try target()
    guard try hasShortText(.emoji, bytesMax: Command.Send.emojiBytesMax) else {
      throw bad("emoji is missing")
    }
    var body = ByteBuffer(minimumCapacity: 64)
    body.append(#"{"emoji":"#)
    body.append(scanner.raw(self[.emoji]))
    if try flag(.remove) == true { body.append(#","remove":true"#) }
    body.append("}")
    return try entry(.react, body: body.bytes, reference: target, &names)
  }

  private func target() throws(CommandError) -> UInt64 {
    guard let target = try sequence(.target), target > 0 else {
      throw bad("target must be at least 1")
    }
    return target
  }

  private func bodyBytes(_ body: JSONValue) throws(CommandError) -> UnsafeRawBufferPointer {
    guard !hasWrongText else { throw bad("text must be a string") }
    return scanner.raw(body)
  }

  private func entry(
    _ kind: EntryKind, body: UnsafeRawBufferPointer, reference: UInt64?, _ names: inout NameCache
  ) throws(CommandError) -> Command.Send {
    let clientID = self[.cid]
    guard try hasShortText(.cid, bytesMax: Command.Send.clientIDBytesMax) else {
      throw bad("cid is missing")
    }
    let to = try address(&names)
    guard body.count <= Command.Send.bodyBytesMax else {
      let message = "body is longer than \(Command.Send.bodyBytesMax) bytes"
      throw CommandError(.tooLarge, message, id: id)
    }
    let requestID = hasID ? scanner.raw(self[.id]) : UnsafeRawBufferPointer(start: nil, count: 0)
    let content = scanner.withContent(of: clientID) {
      MessageContent(requestID: requestID, clientID: $0, body: body)
    }
    return Command.Send(content: content, to: to, kind: kind, reference: reference)
  }

  private static func withBytes<Result>(
    _ literal: StaticString, _ use: (UnsafeRawBufferPointer) throws(CommandError) -> Result
  ) throws(CommandError) -> Result {
    try use(
      UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }
}
