import Testing

@testable import ChatProtocol

@Suite struct NamesTests {
  @Test func `a user's name has 1 to 64 bytes`() {
    for count in 1...UserID.bytesMax {
      let name = String(repeating: "x", count: count)
      #expect(UserID(name)?.name == name)
      #expect(Address("@" + name)?.description == "@" + name)
      #expect(Address("#" + name)?.description == "#" + name)
    }
    for name in ["", String(repeating: "x", count: UserID.bytesMax + 1)] {
      #expect(UserID(name) == nil)
      #expect(Address("@" + name) == nil)
    }
  }

  @Test func `a user's name has small letters, digits, dot, underscore and hyphen`() {
    for byte in UInt8.min...0x7F {
      let character = Character(Unicode.Scalar(byte))
      let isAllowed =
        character.isLowercase || character.isNumber || [".", "_", "-"].contains(character)
      #expect((UserID("a\(character)") != nil) == isAllowed, "\(byte)")
    }
    #expect(UserID("é") == nil)
  }

  @Test(arguments: ["#alice", "alice:bob", "a:a", "a:b:c", ":", "a:", ":b", "#", "ä:ö"])
  func `a conversation keeps its key`(_ key: String) {
    #expect(ConversationID(key: key).key == key)
    #expect(ConversationID(key: key) == ConversationID(key: key))
  }

  @Test(arguments: 1...UserID.bytesMax)
  func `a conversation is the same for both of its members`(_ count: Int) {
    let one = UserID(String(repeating: "a", count: count))!
    let other = UserID(String(repeating: "b", count: 65 - count))!
    let conversation = ConversationID(direct: other, one)
    #expect(conversation == ConversationID(direct: one, other))
    #expect(conversation == ConversationID(key: conversation.key))
    #expect(conversation.hashValue == ConversationID(key: conversation.key).hashValue)
    #expect(conversation.key == "\(one.name):\(other.name)")
    #expect(conversation.members == [one, other])
    #expect(conversation.includes(one) && conversation.includes(other))
    #expect(!conversation.includes(UserID("c")!))
    #expect(conversation.address(seenBy: one) == .user(other))
    #expect(conversation.address(seenBy: other) == .user(one))
  }

  @Test func `a note to oneself has one member`() {
    let alice = UserID("alice")!
    let conversation = ConversationID(direct: alice, alice)
    #expect(conversation.members == [alice])
    #expect(conversation.address(seenBy: alice) == .user(alice))
  }

  /// The colon sorts above the digits and below the letters, so `a` is not simply before `a0`.
  @Test func `conversations sort by their keys, and precede one another in one way`() {
    let names = ["a", "a0", "aa", "a-", "b"].map { UserID($0)! }
    let all = names.flatMap { one in names.map { ConversationID(direct: one, $0) } }
    #expect(all.sorted().map(\.key) == all.map(\.key).sorted())
    for one in all {
      for other in all {
        #expect(one.precedes(other) != (other.precedes(one) || one == other))
      }
    }
  }
}

@Suite struct NameCacheTests {
  private func name(_ text: String, _ cache: inout NameCache) -> String {
    Array(text.utf8).withUnsafeBytes { cache.name($0) }
  }

  @Test func `gives back every name, at every length and in any order`() {
    var cache = NameCache()
    for _ in 0..<2 {
      for count in 1...UserID.bytesMax {
        for letter in ["a", "b"] {
          let text = String(repeating: letter, count: count)
          #expect(name(text, &cache) == text)
        }
      }
    }
  }

  @Test func `keeps apart what shares a slot`() {
    var cache = NameCache()
    // The ends are alike, so the slot is the same; twice as many as there are slots besides.
    for round in 0..<2 {
      for number in 0..<(2 * NameCache.slotCount) {
        let text = "the-same-beginning-\(number)-the-same-end"
        #expect(name(text, &cache) == text, "\(round)")
      }
    }
  }
}
