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

  @Test
  func `tables with different tags do not take each other's tokens`() {
    var one = RequestTable<String>(tag: 0)
    var two = RequestTable<String>(tag: 1)
    let token = one.insert("one")
    let other = two.insert("two")
    #expect(token != other)
    #expect(two.remove(token) == nil)
    #expect(one.remove(other) == nil)
    #expect(one.remove(token) == "one")
    #expect(two.remove(other) == "two")
  }

  @Test
  func `never gives a token again, also after it has shrunk`() {
    var table = RequestTable<Int>()
    var seen: Set<UInt64> = []
    for _ in 0..<3 {
      let tokens = (0..<1_000).map { table.insert($0) }
      #expect(tokens.allSatisfy { seen.insert($0).inserted })
      for (request, token) in tokens.enumerated() { #expect(table.remove(token) == request) }
      #expect(tokens.allSatisfy { table.remove($0) == nil })
    }
    #expect(table.count == 0)
  }
}
