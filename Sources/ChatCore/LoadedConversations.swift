import ChatProtocol

/// What the store says of a new session's user, beside what the session's device holds.
struct LoadedConversations {
  let states: [ConversationState]
  /// Up to where the device has each.
  let resume: [Address: UInt64]
  let known: Set<ConversationID>
  /// When the list was asked for. Memberships that it has not and that were known before have ended.
  let readAt: Int64
  /// Whether the user has no others.
  let isComplete: Bool

  init(
    _ states: [ConversationState], resume: [Address: UInt64], readAt: Int64, isComplete: Bool
  ) {
    self.states = states
    self.resume = resume
    self.readAt = readAt
    self.isComplete = isComplete
    known = Set(states.lazy.map(\.conversation))
  }

  /// Whether the user is out of the room by an entry that has not come to this hub yet.
  func haveEnded(_ membership: User.Membership) -> Bool {
    isComplete && membership.knownSince < readAt
      && !known.contains(membership.room.conversation)
  }
}
