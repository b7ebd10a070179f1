/// Whether a user is there, over all of the user's devices.
package enum PresenceState: UInt8, Sendable, CaseIterable {
  case offline = 0
  /// No device is in use.
  case away = 1
  case online = 2

  /// As clients write it.
  package var name: String {
    switch self {
    case .offline: "offline"
    case .away: "away"
    case .online: "online"
    }
  }
}

/// What those who watch a user see.
package struct Presence: Hashable, Sendable {
  package var state: PresenceState
  /// When the user was connected last; nil while there, and when nobody knows.
  package var lastSeen: Timestamp?

  package init(state: PresenceState, lastSeen: Timestamp? = nil) {
    self.state = state
    self.lastSeen = lastSeen
  }
}
