/// A key at the top level of a frame that some command reads.
enum Field: Int, CaseIterable {
  case type, id, user, token, device, resume, cid, to, body, replyTo, before, after, limit

  var name: StaticString {
    switch self {
    case .type: "type"
    case .id: "id"
    case .user: "user"
    case .token: "token"
    case .device: "device"
    case .resume: "resume"
    case .cid: "cid"
    case .to: "to"
    case .body: "body"
    case .replyTo: "reply_to"
    case .before: "before"
    case .after: "after"
    case .limit: "limit"
    }
  }

  init?(name: UnsafeRawBufferPointer) {
    guard let first = name.first, let candidate = Self(count: name.count, first: first),
      name == candidate.name
    else { return nil }
    self = candidate
  }

  /// The only field with a name of this length and first letter.
  private init?(count: Int, first: UInt8) {
    switch (count, first) {
    case (4, UInt8(ascii: "t")): self = .type
    case (2, UInt8(ascii: "i")): self = .id
    case (4, UInt8(ascii: "u")): self = .user
    case (5, UInt8(ascii: "t")): self = .token
    case (6, UInt8(ascii: "d")): self = .device
    case (6, UInt8(ascii: "r")): self = .resume
    case (3, UInt8(ascii: "c")): self = .cid
    case (2, UInt8(ascii: "t")): self = .to
    case (4, UInt8(ascii: "b")): self = .body
    case (8, UInt8(ascii: "r")): self = .replyTo
    case (6, UInt8(ascii: "b")): self = .before
    case (5, UInt8(ascii: "a")): self = .after
    case (5, UInt8(ascii: "l")): self = .limit
    default: return nil
    }
  }
}

/// Where the fields of one frame lie in its text.
///
/// `type` may come last, so the places of all fields are noted first, and those of the command's
/// own are read when the whole text is known to be JSON. Null is the same as absent.
struct CommandFields {
  private(set) var scanner: JSONScanner
  private var values = InlineArray<13, JSONValue>(repeating: JSONValue())
  /// `body` has a member `text` that is no string.
  private(set) var hasWrongText = false

  init(_ bytes: UnsafeRawBufferPointer) { scanner = JSONScanner(bytes) }

  subscript(field: Field) -> JSONValue { values[field.rawValue] }

  /// Checks the whole text. After an error the fields before it are there to be read.
  mutating func scan() throws(JSONError) {
    var scanner = scanner
    scanner.skipWhitespace()
    try scanner.object(depth: 0) { (scanner, key) throws(JSONError) in
      let field = scanner.withContent(of: key) { Field(name: $0) }
      if field == .body, scanner.current == UInt8(ascii: "{") {
        values[Field.body.rawValue] = try body(&scanner)
      } else {
        let value = try scanner.value(depth: 1)
        if let field, value.kind != .null { values[field.rawValue] = value }
      }
    }
    scanner.skipWhitespace()
    guard scanner.at == scanner.bytes.count else { throw .malformed }
  }

  private mutating func body(_ scanner: inout JSONScanner) throws(JSONError) -> JSONValue {
    let start = scanner.at
    try scanner.object(depth: 1) { (scanner, key) throws(JSONError) in
      let isText = scanner.content(of: key, equals: "text")
      let value = try scanner.value(depth: 2)
      if isText, value.kind != .string, value.kind != .escapedString { hasWrongText = true }
    }
    return JSONValue(kind: .object, start: start, end: scanner.at)
  }

  /// The `id` if it is valid, else nil.
  var id: RequestID? {
    let value = self[.id]
    switch value.kind {
    case .string, .escapedString, .number:
      guard value.count <= RequestID.bytesMax else { return nil }
      return RequestID(json: String(decoding: scanner.raw(value), as: UTF8.self))
    case .absent, .object, .array, .bool, .null:
      return nil
    }
  }
}
