import JSON

/// What a client that comes back holds, as it tells in a header: `{"bob":17}`.
package enum SpringResume {
  /// By the other's name, with or without the `@`; nil if it is no such object.
  package static func decode(_ header: String) -> [Address: UInt64]? {
    var header = header
    return header.withUTF8 { text in
      var scanner = JSONScanner(UnsafeRawBufferPointer(text))
      var heads: [Address: UInt64] = [:]
      var isValid = true
      do throws(JSONError) {
        scanner.skipWhitespace()
        try scanner.object(depth: 0) { (scanner, key) throws(JSONError) in
          let name = scanner.content(of: key)
          let sequence = scanner.wholeNumber(try scanner.value(depth: 1))
          if let address = Address(name) ?? Address("@" + name), let sequence,
            heads.count < Command.Hello.resumeMax
          {
            heads[address] = sequence
          } else {
            isValid = false
          }
        }
        try scanner.finish()
      } catch {
        return nil
      }
      return isValid ? heads : nil
    }
  }
}
