/// A frame from the server, as far as the load generator reads it.
///
/// The values are parts of the frame and end with it. The reader is the generator's own, and as
/// simple as the server's frames allow: it trusts that they are JSON.
struct ServerFrame {
  private(set) var type = ""
  private(set) var id: UInt64?
  private(set) var sequence: UInt64?
  private(set) var after: UInt64?
  private(set) var before: UInt64?
  private(set) var afterMilliseconds: UInt64?
  private(set) var isRetryable = false
  private(set) var more = false
  private(set) var from: Substring = ""
  private(set) var code = ""
  /// Of the body.
  private(set) var text: UnsafeRawBufferPointer?
  private(set) var items: [ServerFrame] = []

  /// Nil if it is not an object.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var members = JSONMembers(bytes)
    while let (key, value) = members.next() {
      if key.equals("type") {
        type = String(decoding: value.unquoted, as: UTF8.self)
      } else if key.equals("id") {
        id = value.number
      } else if key.equals("seq") {
        sequence = value.number
      } else if key.equals("from") {
        from = String(decoding: value.unquoted, as: UTF8.self).dropFirst()
      } else if key.equals("body") {
        text = Self.text(of: value)
      } else if key.equals("after") {
        after = value.number
      } else if key.equals("before") {
        before = value.number
      } else if key.equals("code") {
        code = String(decoding: value.unquoted, as: UTF8.self)
      } else if key.equals("retryable") {
        isRetryable = value.equals("true")
      } else if key.equals("more") {
        more = value.equals("true")
      } else if key.equals("after_ms") || key.equals("retry_after_ms") {
        afterMilliseconds = value.number
      } else if key.equals("items") {
        items = Self.items(of: value)
      }
    }
    guard members.isWhole else { return nil }
  }

  private static func text(of body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var members = JSONMembers(body)
    while let (key, value) = members.next() {
      if key.equals("text") { return value.unquoted }
    }
    return nil
  }

  private static func items(of array: UnsafeRawBufferPointer) -> [ServerFrame] {
    var elements = JSONMembers(array)
    var items: [ServerFrame] = []
    while let (_, value) = elements.next() {
      if let item = ServerFrame(value) { items.append(item) }
    }
    return items
  }
}

/// The members of an object, or the elements of an array with empty keys, one by one.
struct JSONMembers {
  private let bytes: UnsafeRawBufferPointer
  private var at = 1
  private let isObject: Bool
  private(set) var isWhole = false

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    isObject = bytes.first == UInt8(ascii: "{")
    if !isObject, bytes.first != UInt8(ascii: "[") { at = bytes.count }
  }

  mutating func next() -> (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
    skip(while: { $0 <= 0x20 || $0 == UInt8(ascii: ",") })
    guard at < bytes.count else { return nil }
    if bytes[at] == UInt8(ascii: "}") || bytes[at] == UInt8(ascii: "]") {
      isWhole = true
      return nil
    }
    var key = UnsafeRawBufferPointer(rebasing: bytes[at..<at])
    if isObject {
      key = value().unquoted
      skip(while: { $0 <= 0x20 || $0 == UInt8(ascii: ":") })
    }
    return (key, value())
  }

  private mutating func skip(while condition: (UInt8) -> Bool) {
    while at < bytes.count, condition(bytes[at]) { at += 1 }
  }

  /// Consumes a value: up to the comma or bracket that follows it, minding strings and nesting.
  private mutating func value() -> UnsafeRawBufferPointer {
    let start = at
    var depth = 0
    scan: while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\""):
        skipString()
        if depth == 0 { break scan }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { break scan }
        depth -= 1
        if depth == 0 {
          at += 1
          break scan
        }
      case UInt8(ascii: ","):
        if depth == 0 { break scan }
      default: break
      }
      at += 1
    }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<at])
  }

  private mutating func skipString() {
    at += 1
    while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
      at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    at = min(at + 1, bytes.count)
  }
}

extension UnsafeRawBufferPointer {
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }

  /// A string's bytes without its quotes; no escapes are expected.
  var unquoted: UnsafeRawBufferPointer {
    guard count >= 2, first == UInt8(ascii: "\"") else { return self }
    return UnsafeRawBufferPointer(rebasing: self[1..<count - 1])
  }

  var number: UInt64? {
    guard 1...18 ~= count else { return nil }
    var value: UInt64 = 0
    for byte in self {
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
      value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
    }
    return value
  }
}
