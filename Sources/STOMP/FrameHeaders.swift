import Bytes

/// The headers of a frame, in place: a look-up walks over the lines, which were checked before.
///
/// Valid for as long as the frame is. Of a header that is repeated the first one counts (STOMP 1.2,
/// repeated header entries). A colon within a value need not be escaped: clients in wide use do not
/// escape it, and the first one of a line is the separator in any case.
package struct FrameHeaders {
  let lines: UnsafeRawBufferPointer
  let style: HeaderStyle

  /// - Parameter lines: each with its line feed.
  init(_ lines: UnsafeRawBufferPointer, style: HeaderStyle) {
    self.lines = lines
    self.style = style
  }

  /// Copies.
  package subscript(name: StaticString) -> String? {
    guard let value = value(of: name) else { return nil }
    guard style.hasEscapes, value.contains(UInt8(ascii: "\\")) else {
      return String(decoding: value, as: UTF8.self)
    }
    return String(decoding: unescaped(value), as: UTF8.self)
  }

  /// Whether there is a header with just this value, which holds nothing to escape.
  package func has(_ name: StaticString, _ expected: StaticString) -> Bool {
    value(of: name).map { Self.equal($0, expected) } ?? false
  }

  /// The value as it was written.
  private func value(of name: StaticString) -> UnsafeRawBufferPointer? {
    var start = 0
    while start < lines.count {
      let end = lines[start...].firstIndex(of: ASCII.lineFeed) ?? lines.count
      let line = UnsafeRawBufferPointer(rebasing: lines[start..<end])
      start = end + 1
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
        Self.equal(trimmed(line[..<colon]), name)
      else { continue }
      return trimmed(line[(colon + 1)...])
    }
    return nil
  }

  /// Without what is not part of a name or value: a carriage return at the line's end, or blanks.
  private func trimmed(_ text: Slice<UnsafeRawBufferPointer>) -> UnsafeRawBufferPointer {
    var text = text
    if style.allowsReturns, text.last == ASCII.carriageReturn { text.removeLast() }
    if !style.hasEscapes {
      while text.first == ASCII.space { text.removeFirst() }
      while text.last == ASCII.space { text.removeLast() }
    }
    return UnsafeRawBufferPointer(rebasing: text)
  }

  private func unescaped(_ value: UnsafeRawBufferPointer) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(value.count)
    var rest = value[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let letter = rest.popFirst() else {
        text.append(byte)
        continue
      }
      text.append(style.meaning(ofEscape: letter) ?? letter)
    }
    return text
  }

  private static func equal(_ bytes: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
    bytes.elementsEqual(
      UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }
}
