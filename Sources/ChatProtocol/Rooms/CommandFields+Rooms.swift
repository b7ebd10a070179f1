import JSON

// The commands about rooms.
extension CommandFields {
  /// What a frame of this `type` does to a room; nil for any other type.
  func roomChange(_ type: String) throws(CommandError) -> RoomChange? {
    switch type {
    case "room.create":
      let members = self[.members].kind == .absent ? [] : try users(.members, max: usersMax)
      return .create(try settings().applied(to: RoomSettings()), members: members)
    case "room.join": return .join
    case "room.leave": return .leave
    case "room.invite": return .invite(try users(.users, max: usersMax))
    case "room.kick": return .kick(try subject())
    case "room.role":
      guard let name = try text(.role), let role = RoomRole(name: name) else {
        throw bad("role must be member, moderator or owner")
      }
      return .setRole(try subject(), role)
    case "room.update":
      let change = try settings()
      guard !change.isEmpty else { throw bad("name, topic, public or retain is missing") }
      return .update(change)
    default: return nil
    }
  }

  func members(_ id: RequestID?) throws(CommandError) -> Command.Members {
    let limitMax = Command.Members.limitMax
    let limit = try sequence(.limit) ?? UInt64(limitMax)
    guard limit > 0 else { throw bad("limit must be at least 1") }
    return Command.Members(
      id: id, room: try room(), after: try user(.after), limit: Int(min(limit, UInt64(limitMax))))
  }

  private var usersMax: Int { RoomChange.usersMax }

  private func subject() throws(CommandError) -> UserID {
    guard let user = try user() else { throw bad("user is missing") }
    return user
  }

  private func settings() throws(CommandError) -> RoomSettingsChange {
    RoomSettingsChange(
      name: try line(.name, bytesMax: RoomSettings.nameBytesMax),
      topic: try line(.topic, bytesMax: RoomSettings.topicBytesMax),
      isPublic: try flag(.public), retainDays: try retainDays())
  }

  private func retainDays() throws(CommandError) -> Int? {
    guard let days = try sequence(.retain) else { return nil }
    guard days <= UInt64(RoomSettings.retainDaysMax) else {
      throw bad("retain must be 0 to \(RoomSettings.retainDaysMax) days")
    }
    return Int(days)
  }
}
