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
    #expect(try SpringResume.decode(#"{"bob":17}"#) == [bob: 17])
    #expect(try SpringResume.decode(##"{"@bob": 17, "#general":1}"##)[.room("general")] == 1)
    #expect(try SpringResume.decode("{}") == [:])
    for header in ["", "17", "[]", #"{"bob":-1}"#, #"{"bob":"1"}"#, #"{"Bob":1}"#, #"{"bob":1"#] {
      let error = #expect(throws: CommandError.self) { try SpringResume.decode(header) }
      #expect(error?.code == .badRequest, "\(header)")
    }
  }

  @Test func `resume has as many entries as in a hello`() throws {
    let entries = (1...Command.Hello.resumeMax).map { "\"u\($0)\":\($0)" }
    let header = "{" + entries.joined(separator: ",") + "}"
    #expect(try SpringResume.decode(header).count == Command.Hello.resumeMax)
    let longer = "{\"more\":1," + header.dropFirst()
    let error = #expect(throws: CommandError.self) { try SpringResume.decode(longer) }
    #expect(error?.code == .tooLarge)
  }

  @Test func `a name may be written with its sigil`() {
    for text in ["alice", "@alice"] { #expect(UserID(written: text)?.name == "alice") }
    for text in ["", "@", "@@alice", "#alice", "Alice"] { #expect(UserID(written: text) == nil) }
  }
}
