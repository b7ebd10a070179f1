import Foundation
import Testing

@testable import Bytes

@Suite struct Base64URLTests {
  @Test func `bytes come back as they were encoded`() {
    for count in 0...50 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ count) }
      let text = Data(bytes).base64EncodedString()
        .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
      #expect(decodedBase64URL(text.utf8) == bytes)
    }
  }

  @Test(arguments: ["a", "aaaaa", "YQ==", "Y+", "Y/", "a b", "YR", "YWJ"])
  func `what is no encoding is nothing`(text: String) {
    #expect(decodedBase64URL(text.utf8) == nil)
  }
}
