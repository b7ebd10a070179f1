import Bytes
import JSON

/// A key of the JSON in a `SEND` or a request that means something.
enum SpringField: Int, CaseIterable {
  case receiver, receiverId, roomId, content, messageId, id, attachmentUrl, seq, sender
  case name, description, isPrivate

  init?(_ key: JSONValue, of scanner: JSONScanner) {
    let found = scanner.withContent(of: key) { bytes in
      Self.allCases.first { $0.key.utf8.elementsEqual(bytes) }
    }
    guard let found else { return nil }
    self = found
  }

  var key: String {
    switch self {
    case .receiver: "receiver"
    case .receiverId: "receiverId"
    case .roomId: "roomId"
    case .content: "content"
    case .messageId: "messageId"
    case .id: "id"
    case .attachmentUrl: "attachmentUrl"
    case .seq: "seq"
    case .sender: "sender"
    case .name: "name"
    case .description: "description"
    case .isPrivate: "isPrivate"
    }
  }
}

/// Where the fields of one `SEND` or request lie in its JSON. Null is the same as absent.
struct SpringFields {
  let scanner: JSONScanner
  private var values = InlineArray<12, JSONValue>(repeating: JSONValue())

  /// Checks the whole text, as a client's.
  init(wellFormed json: UnsafeRawBufferPointer) throws(CommandError) {
    guard UTF8Validator.isValid(json) else {
      throw CommandError(.badRequest, "the body is not UTF-8", isMalformed: true)
    }
    do throws(JSONError) {
      try self.init(json)
    } catch {
      throw CommandError(.badRequest, error.message, isMalformed: true)
    }
  }

  /// Checks the whole text.
  init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
    scanner = JSONScanner(bytes)
    var walker = scanner
    walker.skipWhitespace()
    try walker.object(depth: 0) { (walker, key) throws(JSONError) in
      let field = SpringField(key, of: walker)
      let value = try walker.value(depth: 1)
      if let field, value.kind != .null { values[field.rawValue] = value }
    }
    try walker.finish()
  }

  subscript(field: SpringField) -> JSONValue { values[field.rawValue] }

  /// What names a user, a room or a message: a string that is not empty, or a number as it was
  /// written.
  func name(_ field: SpringField) throws(CommandError) -> String? {
    let value = self[field]
    switch value.kind {
    case .absent: return nil
    case .string, .escapedString:
      let text = scanner.content(of: value)
      return text.isEmpty ? nil : text
    case .number: return String(decoding: scanner.raw(value), as: UTF8.self)
    case .object, .array, .bool, .null:
      throw CommandError(.badRequest, "\(field.key) must be a string or a number")
    }
  }

  /// The first of two names for the same.
  func name(_ field: SpringField, or other: SpringField) throws(CommandError) -> String? {
    if let name = try name(field) { return name }
    return try name(other)
  }

  /// Whom it is to: a user or a room, with or without the sigil. Of what is said about a message the
  /// other may be its sender.
  func address(or other: SpringField? = nil) throws(CommandError) -> Address {
    var user = try name(.receiver, or: .receiverId)
    if user == nil, let other { user = try name(other) }
    let address: Address? =
      switch (user, try name(.roomId)) {
      case (let user?, nil): Address(user.hasPrefix("@") ? user : "@" + user)
      case (nil, let room?): Address(room.hasPrefix("#") ? room : "#" + room)
      case (nil, nil): throw CommandError(.badRequest, "receiver or roomId is missing")
      case (_?, _?): throw CommandError(.badRequest, "receiver and roomId exclude each other")
      }
    guard let address else { throw CommandError(.badRequest, "receiver is not a valid name") }
    return address
  }

  func string(_ field: SpringField) throws(CommandError) -> JSONValue? {
    let value = self[field]
    guard value.kind != .absent else { return nil }
    guard value.isString else { throw CommandError(.badRequest, "\(field.key) must be a string") }
    return value
  }

  func flag(_ field: SpringField) throws(CommandError) -> Bool? {
    let value = self[field]
    switch value.kind {
    case .absent: return nil
    case .bool: return scanner.isTrue(value)
    case .string, .escapedString, .number, .object, .array, .null:
      throw CommandError(.badRequest, "\(field.key) must be true or false")
    }
  }
}
