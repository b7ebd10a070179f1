/// What a member may do in a room; each may also do what those below may.
package enum RoomRole: UInt8, Comparable, Sendable, CaseIterable {
  /// Reads and writes, and leaves.
  case member = 0
  /// Deletes messages of others, invites to a private room, takes members out of the room, and changes
  /// its name and topic.
  case moderator = 1
  /// Gives roles, and decides whether the room is public and how long it keeps entries.
  case owner = 2

  /// As clients write it.
  package var name: String {
    switch self {
    case .member: "member"
    case .moderator: "moderator"
    case .owner: "owner"
    }
  }

  package init?(name: String) {
    guard let role = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = role
  }

  package static func < (left: RoomRole, right: RoomRole) -> Bool { left.rawValue < right.rawValue }
}
