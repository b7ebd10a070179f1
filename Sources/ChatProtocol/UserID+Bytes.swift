extension UserID {
  /// Takes a name from bytes in place; fails when it is not valid.
  ///
  /// For names that come in great numbers. With the initialiser for any string, reading the
  /// recipients of other nodes' messages took 4 % of a busy node's time.
  package init?(bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty, bytes.count <= Self.bytesMax else { return nil }
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        continue
      default:
        return nil
      }
    }
    self.init(valid: String(decoding: bytes, as: UTF8.self))
  }
}
