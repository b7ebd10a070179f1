/// Says cheaply that the keys of an object are all distinct, or that they may not be.
///
/// Each key sets one of 64 bits; a bit that was set before asks for an exact comparison. No two
/// fields of chat.v1 share a bit, so honest frames are not compared.
struct KeyFilter {
  private var bits: UInt64 = 0
  private(set) var mayHoldDuplicates = false

  mutating func insert(_ key: JSONValue, of scanner: JSONScanner) {
    let bit = UInt64(1) << Self.slot(of: key, in: scanner.bytes)
    if bits & bit != 0 || key.kind == .escapedString { mayHoldDuplicates = true }
    bits |= bit
  }

  private static func slot(of key: JSONValue, in bytes: UnsafeRawBufferPointer) -> UInt64 {
    // A key has two quotes at least, so these are in range; an empty key hashes its quotes.
    slot(first: bytes[key.start + 1], last: bytes[key.end - 2])
  }

  static func slot(first: UInt8, last: UInt8) -> UInt64 {
    (UInt64(first) + UInt64(last) * 3) & 63
  }
}

extension JSONScanner {
  /// Compares the keys of the object that starts at `start` and was found well-formed.
  ///
  /// Linear in the object's length. Every level of a hostile text may ask for it once, so the
  /// whole text is walked `depthMax` times at most.
  @inline(never)
  func requireDistinctKeys(ofObjectAt start: Int) throws(JSONError) {
    var walker = JSONScanner(bytes, at: start)
    walker.checksKeys = false
    var keys: Set<[UInt8]> = []
    try walker.object(depth: 0) { (walker, key) throws(JSONError) in
      let isNew = walker.withContent(of: key) { keys.insert(Array($0)).inserted }
      guard isNew else { throw .duplicateKey }
      _ = try walker.value(depth: 0)
    }
  }
}
