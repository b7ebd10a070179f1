/// A JSON text as a client reads it, by a reader of RFC 8259 that shares nothing with the server's.
///
/// Takes nothing but what the RFC does. A key may come twice; `repeatsKeys` finds it. Texts are equal
/// when they are but for blanks and escapes; numbers as they were written, members in their order.
public struct JSONText: Equatable {
  public enum Value: Equatable {
    case null
    case bool(Bool)
    /// As it was written.
    case number(ArraySlice<UInt8>)
    /// The UTF-8 of what it means.
    case string(ArraySlice<UInt8>)
    case array([JSONText])
    case object([Member])
  }

  public struct Member: Equatable {
    public let key: ArraySlice<UInt8>
    public let value: JSONText
  }

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// Nesting that is read; the server's limit is lower.
  public static let depthMax = 64

  public let value: Value
  /// As it was written.
  public let raw: ArraySlice<UInt8>

  public init(_ text: [UInt8]) throws(Failure) {
    guard (try? UTF8Span(validating: text.span)) != nil else {
      throw Failure(description: "no UTF-8")
    }
    var reader = JSONReader(text: text)
    self = try reader.document()
  }

  init(value: Value, raw: ArraySlice<UInt8>) {
    self.value = value
    self.raw = raw
  }

  public static func == (left: JSONText, right: JSONText) -> Bool { left.value == right.value }

  /// The last value of a key; nil for what is no object.
  public subscript(key: String) -> JSONText? {
    guard case .object(let members) = value else { return nil }
    return members.last { $0.key.elementsEqual(key.utf8) }?.value
  }

  /// What it means, if it is a string.
  public var utf8: ArraySlice<UInt8>? {
    guard case .string(let utf8) = value else { return nil }
    return utf8
  }

  /// Whether some object in it has a key twice.
  public var repeatsKeys: Bool {
    switch value {
    case .null, .bool, .number, .string: false
    case .array(let elements): elements.contains(where: \.repeatsKeys)
    case .object(let members):
      Set(members.map(\.key)).count < members.count || members.contains(where: \.value.repeatsKeys)
    }
  }
}

// MARK: - What must be there

extension JSONText {
  public func member(_ key: String) throws(Failure) -> JSONText {
    guard let member = self[key] else { throw Failure(description: "there is no \(key)") }
    return member
  }

  public func string() throws(Failure) -> String {
    guard let utf8 else { throw wrong("a string") }
    return String(decoding: utf8, as: UTF8.self)
  }

  public func bool() throws(Failure) -> Bool {
    guard case .bool(let bool) = value else { throw wrong("true or false") }
    return bool
  }

  public func number<Integer: FixedWidthInteger>(
    _: Integer.Type = Integer.self
  ) throws(Failure) -> Integer {
    guard case .number(let digits) = value,
      let number = Integer(String(decoding: digits, as: UTF8.self))
    else { throw wrong("a number") }
    return number
  }

  public func array<Element>(
    _ element: (JSONText) throws(Failure) -> Element
  ) throws(Failure) -> [Element] {
    guard case .array(let elements) = value else { throw wrong("a list") }
    var read: [Element] = []
    for each in elements { read.append(try element(each)) }
    return read
  }

  public func wrong(_ expected: String) -> Failure {
    Failure(description: "\(String(decoding: raw, as: UTF8.self)) is not \(expected)")
  }
}
