/// A user in a room.
package struct RoomMember: Hashable, Sendable {
  package var user: UserID
  package var role: RoomRole

  package init(user: UserID, role: RoomRole) {
    self.user = user
    self.role = role
  }
}
