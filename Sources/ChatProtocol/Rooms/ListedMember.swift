/// A member of a room, as all members see them.
package struct ListedMember: Hashable, Sendable {
  package var member: RoomMember
  package var marks: PeerMarks

  package init(_ member: RoomMember, _ marks: PeerMarks) {
    self.member = member
    self.marks = marks
  }
}
