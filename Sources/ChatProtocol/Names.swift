/// A user's name, without the sigil: 1 to 64 bytes of `[a-z0-9._-]`, compared byte by byte.
package struct UserID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package static let bytesMax = 64

  package let name: String

  /// Fails when `name` is not a valid user name.
  package init?(_ name: some StringProtocol) {
    guard Self.isValid(name.utf8) else { return nil }
    self.name = String(name)
  }

  init?(utf8 name: some Collection<UInt8>) {
    guard Self.isValid(name) else { return nil }
    self.name = String(decoding: name, as: UTF8.self)
  }

  init(valid name: String) { self.name = name }

  package static func < (left: UserID, right: UserID) -> Bool { left.name < right.name }

  /// The name as clients write it: `@alice`.
  package var description: String { "@" + name }

  static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
    guard !bytes.isEmpty, bytes.count <= bytesMax else { return false }
    return bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default:
        false
      }
    }
  }
}

/// What a client writes where a conversation is meant: `@alice` or `#general`.
package enum Address: Hashable, Sendable, CustomStringConvertible {
  case user(UserID)
  /// A room's name, without the sigil, under the same rules as a user's.
  case room(String)

  /// Fails when the sigil is missing or the name behind it is not valid.
  package init?(_ text: some StringProtocol) {
    self.init(utf8: text.utf8)
  }

  init?(utf8 text: some Collection<UInt8>) {
    let name = text.dropFirst()
    switch text.first {
    case UInt8(ascii: "@"):
      guard let user = UserID(utf8: name) else { return nil }
      self = .user(user)
    case UInt8(ascii: "#"):
      guard UserID.isValid(name) else { return nil }
      self = .room(String(decoding: name, as: UTF8.self))
    default:
      return nil
    }
  }

  package var description: String {
    switch self {
    case .user(let user): user.description
    case .room(let name): "#" + name
    }
  }
}

/// A conversation's name within the system, the same for all of its members.
///
/// A direct conversation is its two members in rising order, joined by a colon, which no name
/// contains: `alice:bob`. A note to oneself is `alice:alice`.
package struct ConversationID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let key: String

  /// Takes a key as the store gave it back. It was made by `init(direct:_:)` once.
  package init(key: String) { self.key = key }

  package init(direct one: UserID, _ other: UserID) {
    let (low, high) = one <= other ? (one, other) : (other, one)
    key = low.name + ":" + high.name
  }

  package static func < (left: ConversationID, right: ConversationID) -> Bool {
    left.key < right.key
  }

  package var description: String { key }

  /// The members of a direct conversation, in rising order, each once.
  package var members: [UserID] {
    let names = key.split(separator: ":").compactMap { UserID($0) }
    return names.count == 2 && names[0] == names[1] ? [names[0]] : names
  }

  /// The conversation as `reader` sees it: the direct conversation of alice and bob is `@alice`
  /// for bob.
  package func address(seenBy reader: UserID) -> Address {
    let members = members
    return .user(members.first { $0 != reader } ?? reader)
  }
}
