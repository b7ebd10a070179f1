import Testing

@testable import HTTP1

@Suite struct RequestTargetTests {
  private func target(_ text: String) throws -> RequestTarget {
    try RequestTarget(Array(text.utf8)[...], method: .get)
  }

  @Test(arguments: [
    ("/", "/"), ("/a/b", "/a/b"), ("/%40alice", "/@alice"), ("/%e2%82%ac", "/€"),
    ("/a+b", "/a+b"), ("//a", "//a"), ("/...", "/..."), ("/.a", "/.a"),
    ("/..", nil), ("/../a", nil), ("/a/..", nil), ("/%2e%2e/a", nil), ("/.%2E", nil),
    ("/./a", nil), ("/%ff", nil), ("/%ed%a0%80", nil),
  ])
  func `decodes a path without dot segments`(path: String, decoded: String?) throws {
    #expect(try target(path).decodedPath == decoded)
  }

  @Test func `finds the first parameter of a name`() throws {
    let found = try target("/ws?a&user=al%69ce+b&user=x&bad=%4&=e")
    #expect(found.parameter("user") == "alice b")
    #expect(found.parameter("a") == "")
    #expect(found.parameter("bad") == nil)
    #expect(found.parameter("use") == nil)
    #expect(try target("/ws").parameter("user") == nil)
  }
}
