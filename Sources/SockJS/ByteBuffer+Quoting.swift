package import Bytes

extension ByteBuffer {
  /// Appends a message as a JSON string, quotes included, so that every browser gets it unharmed
  /// over every transport.
  ///
  /// `message` is UTF-8. Escaped are, besides what RFC 8259 asks for, U+200C...200F, 2028...202F,
  /// 2060...206F and FFF0...FFFF.
  package mutating func appendQuoted(_ message: UnsafeRawBufferPointer) {
  }
}
