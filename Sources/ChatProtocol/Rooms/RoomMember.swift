/// A member of a room, as all members see them.
package struct RoomMember: Hashable, Sendable {
  package var user: UserID
  package var role: RoomRole

  package init(user: UserID, role: RoomRole) {
    self.user = user
    self.role = role
  }
}
