import JSON

extension Command.Hello {
  /// Reads what a device holds, the object that `walker` is at: `{"@bob":17}`.
  ///
  /// - Parameter address: whom a key names, as it is written without escapes.
  static func heads(
    _ walker: inout JSONScanner, depth: Int, address: (UnsafeRawBufferPointer) -> Address?
  ) throws(CommandError) -> [Address: UInt64] {
    var heads: [Address: UInt64] = [:]
    var isValid = true
    do throws(JSONError) {
      try walker.object(depth: depth) { (walker, key) throws(JSONError) in
        let address = walker.withContent(of: key, address)
        let sequence = walker.wholeNumber(try walker.value(depth: depth + 1))
        if let address, let sequence, heads.count <= resumeMax {
          heads[address] = sequence
        } else {
          isValid = false
        }
      }
    } catch {
      throw CommandError(.badRequest, error.message)
    }
    guard heads.count <= resumeMax else {
      throw CommandError(.tooLarge, "resume has more than \(resumeMax) entries")
    }
    guard isValid else {
      throw CommandError(.badRequest, "resume must map conversations to sequence numbers")
    }
    return heads
  }
}
