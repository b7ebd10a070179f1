/// A user's name, without the sigil: 1 to 64 bytes of `[a-z0-9._-]`, compared byte by byte.
package struct UserID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package static let bytesMax = 64

  package let name: String

  /// Fails when `name` is not a valid user name.
  package init?(_ name: some StringProtocol) {
    guard Self.isValid(name.utf8) else { return nil }
    self.name = String(name)
  }

  /// Takes a name with or without the sigil.
  package init?(written text: some StringProtocol) {
    self.init(text.first == "@" ? text.dropFirst() : text[...])
  }

  init?(utf8 name: some Collection<UInt8>) {
    guard Self.isValid(name) else { return nil }
    self.name = String(decoding: name, as: UTF8.self)
  }

  init?(utf8 name: UnsafeRawBufferPointer, names: inout NameCache) {
    guard Self.isValid(name) else { return nil }
    self.name = names.name(name)
  }

  /// Takes a name from bytes in place; fails when it is not valid.
  ///
  /// For names that come in great numbers: with the initialiser for any string, reading the
  /// recipients of other nodes' messages took 4 % of a busy node's time.
  package init?(bytes: UnsafeRawBufferPointer) { self.init(utf8: bytes) }

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

  init?(utf8 text: UnsafeRawBufferPointer, names: inout NameCache) {
    guard text.first == UInt8(ascii: "@") else {
      self.init(utf8: text)
      return
    }
    let name = UnsafeRawBufferPointer(rebasing: text.dropFirst())
    guard let user = UserID(utf8: name, names: &names) else { return nil }
    self = .user(user)
  }

  /// The user, unless it is a room.
  package var user: UserID? {
    if case .user(let user) = self { user } else { nil }
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
/// contains: `alice:bob`. A note to oneself is `alice:alice`. A room is its name behind the sigil:
/// `#general`.
///
/// Held as the parts of its key, because a send has the names at hand, and a key made of them would be
/// an allocation per message.
package struct ConversationID: Hashable, Sendable, CustomStringConvertible {
  /// What stands before the first colon, and behind it if there is one; a room's name without the
  /// sigil stands alone.
  private let first: String
  private let second: String?

  /// Takes a key as the store gave it back. It was made by one of the other initialisers once.
  package init(key: String) {
    guard let colon = key.utf8.firstIndex(of: UInt8(ascii: ":")) else {
      first = key.utf8.first == UInt8(ascii: "#") ? String(key.dropFirst()) : key
      second = nil
      return
    }
    first = String(key[..<colon])
    second = String(key[key.utf8.index(after: colon)...])
  }

  package init(direct one: UserID, _ other: UserID) {
    (first, second) = one <= other ? (one.name, other.name) : (other.name, one.name)
  }

  /// - Parameter room: its name without the sigil.
  package init(room: String) {
    first = room
    second = nil
  }

  /// What `reader` calls so.
  package init(_ address: Address, seenBy reader: UserID) {
    switch address {
    case .user(let other): self.init(direct: reader, other)
    case .room(let name): self.init(room: name)
    }
  }

  package var key: String {
    guard let second else { return "#" + first }
    return first + ":" + second
  }

  /// The room's name without the sigil, of a room.
  package var room: String? { second == nil ? first : nil }

  package var isRoom: Bool { second == nil }

  package var description: String { key }

  /// The members of a direct conversation, in rising order, each once; those of a room are the
  /// store's to know.
  package var members: [UserID] {
    guard let second else { return [] }
    guard second != first else { return [first].compactMap { UserID($0) } }
    return [first, second].compactMap { UserID($0) }
  }

  /// Whether `user` is a member of a direct conversation.
  package func includes(_ user: UserID) -> Bool {
    second == user.name || second != nil && first == user.name
  }

  /// Some order of all conversations, found out without making a key.
  package func precedes(_ other: ConversationID) -> Bool {
    guard first == other.first else { return first < other.first }
    return (second ?? "") < (other.second ?? "")
  }

  /// The conversation as `reader` sees it: the direct conversation of alice and bob is `@alice`
  /// for bob. A room is the same for all.
  package func address(seenBy reader: UserID) -> Address {
    guard !isRoom else { return .room(first) }
    let members = members
    return .user(members.first { $0 != reader } ?? reader)
  }
}

/// In the order of the keys, byte by byte.
extension ConversationID: Comparable {
  package static func < (left: ConversationID, right: ConversationID) -> Bool {
    left.key < right.key
  }
}
