/// Byte classes and comparisons of the text protocols.
@usableFromInline
package enum ASCII {
  /// The bits that no ASCII byte has, for eight bytes at once.
  @inlinable
  package static var highBits: UInt64 { 0x8080_8080_8080_8080 }

  @inlinable package static var tab: UInt8 { UInt8(ascii: "\t") }
  @inlinable package static var lineFeed: UInt8 { UInt8(ascii: "\n") }
  @inlinable package static var carriageReturn: UInt8 { UInt8(ascii: "\r") }
  @inlinable package static var space: UInt8 { UInt8(ascii: " ") }

  /// 00...1F and DEL.
  @inlinable
  package static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }

  @inlinable
  package static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  @inlinable
  package static func isLetter(_ byte: UInt8) -> Bool {
    byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
  }

  @inlinable
  package static func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }

  /// The value of a hexadecimal digit of either case.
  package static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  @inlinable
  package static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

  /// Without the blanks around it.
  @inlinable
  package static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text.drop(while: isBlank)
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }

  /// Whether two byte strings are equal when `A...Z` and `a...z` are.
  ///
  /// Takes no other collections: a generic one, unspecialised in other modules, took a third of
  /// the time of a WebSocket handshake.
  package static func equalIgnoringCase(
    _ left: ArraySlice<UInt8>, _ right: StaticString
  ) -> Bool {
    guard left.count == right.utf8CodeUnitCount else { return false }
    var expected = right.utf8Start
    for byte in left {
      guard lowercased(byte) == lowercased(expected.pointee) else { return false }
      expected += 1
    }
    return true
  }
}
