import Bytes
import Testing

@Suite struct UTF8ValidatorTests {
  /// Bytes taken before the one that made the text wrong; nil when none did.
  private func failure(_ bytes: [UInt8]) -> Int? {
    var validator = UTF8Validator()
    return bytes.firstIndex { byte in
      [byte].withUnsafeBytes { !validator.accept($0) }
    }
  }

  @Test(
    arguments: [
      ([0x80], 0), ([0xC0], 0), ([0xC1], 0), ([0xF5], 0), ([0xFF], 0),
      ([0xC2, 0x41], 1), ([0xE0, 0x9F], 1), ([0xED, 0xA0], 1), ([0xF0, 0x8F], 1),
      ([0xF4, 0x90], 1), ([0xE2, 0x82, 0x41], 2), ([0xF0, 0x90, 0x80, 0xC0], 3),
      ([0xE2, 0x82, 0xAC, 0xAC], 3),
    ] as [([UInt8], Int)])
  func `fails at the first byte that is wrong for certain`(bytes: [UInt8], at index: Int) {
    #expect(failure(bytes) == index)
    // Also behind any amount of text, where the wide paths have passed.
    for length in 0..<70 {
      let text = [UInt8](repeating: 0x61, count: length) + bytes
      #expect(failure(text) == length + index)
      text.withUnsafeBytes { whole in
        #expect(!UTF8Validator.isValid(whole))
        var validator = UTF8Validator()
        let before = UnsafeRawBufferPointer(rebasing: whole[..<(length + index)])
        let isAccepted = validator.accept(before)
        #expect(isAccepted)
      }
    }
  }

  @Test func `agrees with the standard library on every scalar value`() {
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value), let utf8 = UTF8.encode(scalar) else { continue }
      let isValid = Array(utf8).withUnsafeBytes { UTF8Validator.isValid($0) }
      if !isValid { Issue.record("U+\(String(value, radix: 16)) was refused") }
    }
  }

  @Test func `agrees with the standard library on random bytes in pieces`() {
    var random = SystemRandomNumberGenerator()
    // Bytes that are near one another's bounds, so that many sequences are nearly right.
    let bytes: [UInt8] = [
      0x41, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF,
      0xF0, 0xF1, 0xF4,
    ]
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 1...6)).map { _ in bytes.randomElement(using: &random) ?? 0 }
      let cut = Int.random(in: 0...text.count)
      var validator = UTF8Validator()
      let isValid =
        Array(text[..<cut]).withUnsafeBytes { validator.accept($0) }
        && Array(text[cut...]).withUnsafeBytes { validator.accept($0) } && validator.isComplete
      #expect(isValid == (String(validating: text, as: UTF8.self) != nil), "\(text)")
    }
  }

  @Test func `is complete only at the end of a character`() {
    var validator = UTF8Validator()
    for (byte, isComplete) in zip([0xE2, 0x82, 0xAC, 0x41] as [UInt8], [false, false, true, true]) {
      let isAccepted = [byte].withUnsafeBytes { validator.accept($0) }
      #expect(isAccepted)
      #expect(validator.isComplete == isComplete)
    }
  }
}
