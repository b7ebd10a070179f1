import JSON

// The fields of a frame by what they may hold.
extension CommandFields {
  func bad(_ message: String) -> CommandError {
    CommandError(.badRequest, message, id: id)
  }

  func text(_ field: Field) throws(CommandError) -> String? {
    let value = self[field]
    guard value.kind != .absent else { return nil }
    guard value.isString else { throw bad("\(field.name) must be a string") }
    return scanner.content(of: value)
  }

  /// An identifier of the client's making: printable, since it ends up in logs and databases.
  func shortText(_ field: Field, bytesMax: Int) throws(CommandError) -> String? {
    try hasShortText(field, bytesMax: bytesMax) ? scanner.content(of: self[field]) : nil
  }

  /// False when there is none.
  func hasShortText(_ field: Field, bytesMax: Int) throws(CommandError) -> Bool {
    let value = self[field]
    guard value.kind != .absent else { return false }
    guard value.isString else { throw bad("\(field.name) must be a string") }
    let isValid = scanner.withContent(of: value) { bytes in
      1...bytesMax ~= bytes.count && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
    guard isValid else {
      throw bad("\(field.name) must have 1 to \(bytesMax) bytes and no control characters")
    }
    return true
  }

  func address(_ names: inout NameCache) throws(CommandError) -> Address {
    let value = self[.to]
    guard value.isString,
      let address = scanner.withContent(of: value, { Address(utf8: $0, names: &names) })
    else { throw bad("to must be a conversation: a user as @name or a room as #name") }
    return address
  }

  func sequence(_ field: Field) throws(CommandError) -> UInt64? {
    let value = self[field]
    guard value.kind != .absent else { return nil }
    guard let number = scanner.wholeNumber(value) else {
      throw bad("\(field.name) must be a whole number from 0 to below 2^53")
    }
    return number
  }

  /// A user, written with or without the sigil.
  func user(_ field: Field = .user) throws(CommandError) -> UserID? {
    let value = self[field]
    guard value.kind != .absent else { return nil }
    guard value.isString else { throw bad("\(field.name) must be a string") }
    guard let user = scanner.withContent(of: value, Self.user) else {
      throw bad("\(field.name) is not a valid name")
    }
    return user
  }

  /// A list of 1 to `max` users.
  func users(_ field: Field, max: Int) throws(CommandError) -> [UserID] {
    let value = self[field]
    guard value.kind == .array else { throw bad("\(field.name) must be a list of users") }
    var users: [UserID] = []
    var isValid = true
    var walker = JSONScanner(scanner.raw(value))
    do throws(JSONError) {
      try walker.array(depth: 1) { (walker) throws(JSONError) in
        let value = try walker.value(depth: 2)
        guard value.isString, users.count < max,
          let user = walker.withContent(of: value, Self.user)
        else {
          isValid = false
          return
        }
        users.append(user)
      }
    } catch {
      throw bad(error.message)
    }
    guard isValid, !users.isEmpty else {
      throw bad("\(field.name) must be a list of 1 to \(max) users")
    }
    return users
  }

  private static func user(_ name: UnsafeRawBufferPointer) -> UserID? {
    UserID(utf8: name.first == UInt8(ascii: "@") ? name.dropFirst() : name[...])
  }

  /// The name of a room, written with or without the sigil.
  func room() throws(CommandError) -> String {
    let value = self[.room]
    guard value.isString else { throw bad("room is missing") }
    let name = scanner.withContent(of: value) { name in
      UserID(utf8: name.first == UInt8(ascii: "#") ? name.dropFirst() : name[...])?.name
    }
    guard let name else { throw bad("room is not a valid name") }
    return name
  }

  /// Text for people: no control characters, and at most `bytesMax` bytes.
  func line(_ field: Field, bytesMax: Int) throws(CommandError) -> String? {
    guard let text = try text(field) else { return nil }
    guard text.utf8.count <= bytesMax, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
    else {
      throw bad("\(field.name) must have at most \(bytesMax) bytes and no control characters")
    }
    return text
  }

  func flag(_ field: Field) throws(CommandError) -> Bool? {
    let value = self[field]
    switch value.kind {
    case .absent: return nil
    case .bool: return scanner.isTrue(value)
    case .string, .escapedString, .number, .object, .array, .null:
      throw bad("\(field.name) must be true or false")
    }
  }
}
