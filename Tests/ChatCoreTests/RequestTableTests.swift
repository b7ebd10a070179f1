import Testing

@testable import ChatCore

@Suite
struct RequestTableTests {
  @Test
  func `gives each request back once, and nothing for a token it does not know`() {
    var table = RequestTable<String>()
    let one = table.insert("one")
    let two = table.insert("two")
    #expect(table.count == 2)
    #expect(table.remove(one) == "one")
    #expect(table.remove(one) == nil)
    let three = table.insert("three")
    #expect(three != one)
    #expect(table.remove(one) == nil)
    #expect(table.remove(three) == "three")
    #expect(table.remove(two) == "two")
    #expect(table.remove(0) == nil)
    #expect(table.remove(.max) == nil)
    #expect(table.count == 0)
  }
}
