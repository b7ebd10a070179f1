import Testing

@testable import ChatCore

@Suite struct DictionaryShrinkTests {
  @Test func `gives its room back as the entries go, and keeps those that stay`() {
    var dictionary: [Int: Int] = [:]
    for key in 0..<20_000 { dictionary[key] = -key }
    var moves = 0
    for key in 0..<19_990 {
      dictionary[key] = nil
      let capacity = dictionary.capacity
      dictionary.shrinkIfSparse()
      if dictionary.capacity != capacity { moves += 1 }
      // A table of 1,024 or less is left alone.
      #expect(dictionary.capacity <= max(1024 * 2, 4 * (dictionary.count + 1) * 2))
    }
    #expect(dictionary.capacity <= 1024)
    #expect(moves <= 6)
    #expect(dictionary.count == 10)
    for key in 19_990..<20_000 { #expect(dictionary[key] == -key) }
  }

  @Test func `a small table is left alone`() {
    var dictionary: [Int: Int] = [:]
    for key in 0..<500 { dictionary[key] = key }
    let capacity = dictionary.capacity
    dictionary.removeAll(keepingCapacity: true)
    dictionary.shrinkIfSparse()
    #expect(dictionary.capacity == capacity)
  }

  @Test func `what has shrunk may grow to twice its size without moving`() {
    var dictionary: [Int: Int] = [:]
    for key in 0..<20_000 { dictionary[key] = key }
    for key in 4_000..<20_000 {
      dictionary[key] = nil
      dictionary.shrinkIfSparse()
    }
    let capacity = dictionary.capacity
    #expect(capacity >= dictionary.count * 3 / 2)
    for key in 0..<4_000 { #expect(dictionary[key] == key) }
  }
}
