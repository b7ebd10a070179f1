import JSON

/// A key of the JSON in a `SEND` that means something.
enum SpringField: Int, CaseIterable {
  case receiver, receiverId, roomId, content, messageId, id, attachmentUrl

  init?(_ key: JSONValue, of scanner: JSONScanner) {
    let found = scanner.withContent(of: key) { bytes in
      Self.allCases.first { $0.name.utf8.elementsEqual(bytes) }
    }
    guard let found else { return nil }
    self = found
  }

  var name: String {
    switch self {
    case .receiver: "receiver"
    case .receiverId: "receiverId"
    case .roomId: "roomId"
    case .content: "content"
    case .messageId: "messageId"
    case .id: "id"
    case .attachmentUrl: "attachmentUrl"
    }
  }
}

/// Where the fields of one `SEND` lie in its JSON. Null is the same as absent.
struct SpringFields {
  let scanner: JSONScanner
  private var values = InlineArray<7, JSONValue>(repeating: JSONValue())

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
      throw CommandError(.badRequest, "\(field.name) must be a string or a number")
    }
  }

  /// The first of two names for the same.
  func name(_ field: SpringField, or other: SpringField) throws(CommandError) -> String? {
    if let name = try name(field) { return name }
    return try name(other)
  }

  func string(_ field: SpringField) throws(CommandError) -> JSONValue? {
    let value = self[field]
    guard value.kind != .absent else { return nil }
    guard value.isString else { throw CommandError(.badRequest, "\(field.name) must be a string") }
    return value
  }
}
