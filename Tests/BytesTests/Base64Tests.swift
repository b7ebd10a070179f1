import Bytes
import Testing

@Suite struct Base64Tests {
  /// RFC 4648, section 10, and the two digits behind the letters and numbers.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"), ("?>?>", "Pz4/Pg=="), ("~~~", "fn5+"),
  ])
  func `encodes with padding`(text: String, encoded: String) {
    var buffer = ByteBuffer()
    buffer.append(base64: Array(text.utf8))
    #expect(String(decoding: buffer.bytes, as: UTF8.self) == encoded)
  }
}
