import JSON

/// What a client that comes back holds, as it tells in a header: `{"bob":17}`.
package enum SpringResume {
  /// By the other's name, with or without the `@`; as many as in a `hello`.
  package static func decode(_ header: String) throws(CommandError) -> [Address: UInt64] {
    // The copy is what the scanner reads in place.
    let text = Array(header.utf8)
    return try text.withUnsafeBufferPointer { (text) throws(CommandError) in
      var scanner = JSONScanner(UnsafeRawBufferPointer(text))
      scanner.skipWhitespace()
      let heads = try Command.Hello.heads(&scanner, depth: 0) { key in
        Address(utf8: key) ?? UserID(bytes: key).map { .user($0) }
      }
      do throws(JSONError) {
        try scanner.finish()
      } catch {
        throw CommandError(.badRequest, error.message)
      }
      return heads
    }
  }
}
