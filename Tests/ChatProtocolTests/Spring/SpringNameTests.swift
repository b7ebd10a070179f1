import Foundation
import Testing

@testable import ChatProtocol

@Suite struct SpringNameTests {
  private func token(_ payload: String) -> String {
    let text = Data(payload.utf8).base64EncodedString()
    let url = text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    return "eyJhbGciOiJIUzI1NiJ9.\(url).c2ln"
  }

  @Test func `a token is a name, or says one`() {
    #expect(UserID(unverifiedToken: "alice")?.name == "alice")
    #expect(UserID(unverifiedToken: "a.b.c")?.name == "a.b.c")
    #expect(UserID(unverifiedToken: token(#"{"sub":"alice","exp":1}"#))?.name == "alice")
    #expect(UserID(unverifiedToken: token(#"{"username":"alice"}"#))?.name == "alice")
    #expect(UserID(unverifiedToken: token(#"{"username":"bob","sub":"alice"}"#))?.name == "alice")
    for payload in [#"{"sub":5}"#, "{}", "[]", #"{"sub":"Alice"}"#, "", "{"] {
      #expect(UserID(unverifiedToken: token(payload)) == nil, "\(payload)")
    }
    #expect(UserID(unverifiedToken: "") == nil)
  }

  @Test func `resume maps names to numbers`() throws {
    let bob = Address.user(try #require(UserID("bob")))
    #expect(SpringResume.decode(#"{"bob":17}"#) == [bob: 17])
    #expect(SpringResume.decode(##"{"@bob": 17, "#general":1}"##)?[.room("general")] == 1)
    #expect(SpringResume.decode("{}") == [:])
    for header in ["", "17", "[]", #"{"bob":-1}"#, #"{"bob":"1"}"#, #"{"Bob":1}"#, #"{"bob":1"#] {
      #expect(SpringResume.decode(header) == nil, "\(header)")
    }
  }
}
