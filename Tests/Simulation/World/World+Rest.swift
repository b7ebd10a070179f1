import ChatCore
import ChatProtocol

// When nothing fails any more, what is said reaches everybody soon, and without repair from outside.
extension World {
  /// Everybody writes everywhere, then says what was read and types; and one user leaves.
  func talkAtRest() {
    isAtRest = true
    if let user = users.last { leave(user) }
    for device in devices { send(words(of: device), from: device) }
    advance(to: now + .seconds(3))
    findViolations()
    for device in devices {
      device.typists = []
      send(signals(of: device), from: device)
    }
    advance(to: now + .seconds(6))
    findViolations()
    findMisseenUsers()
    guard !isBusDown else { return }
    for device in devices {
      violations += missingReceipts(of: device)
      let typist = typist(for: device.user)
      if typist != device.user, !device.typists.contains(typist) {
        violations.append("\(device) does not see \(typist) type")
      }
    }
  }

  private func words(of device: SimulatedDevice) -> [Command] {
    (users.map(Address.user) + device.rooms).map { device.compose(to: $0) }
  }

  private func signals(of device: SimulatedDevice) -> [Command] {
    device.addresses.map { device.mark($0) } + [type(device, to: .user(listener(of: device.user)))]
  }

  /// Each user types to the next one.
  private func listener(of user: UserID) -> UserID {
    let present = users.dropLast()
    let index = present.firstIndex(of: user) ?? 0
    return present[(index + 1) % present.count]
  }

  private func typist(for user: UserID) -> UserID {
    users.first { listener(of: $0) == user } ?? user
  }

  /// Who is there knows how far everybody is who has just said so.
  private func missingReceipts(of device: SimulatedDevice) -> [String] {
    device.addresses.flatMap { address in
      let conversation = ConversationID(address, seenBy: device.user)
      let speakers = Set(devices.map(\.user)).sorted().filter {
        store.isMember($0, of: conversation)
      }
      return speakers.compactMap { user -> String? in
        let stored = store.marks(of: user, in: conversation)
        let told = device.marks(of: user, in: address)
        guard told != stored else { return nil }
        return "\(device) knows \(user) in \(address) at \(told), stored is \(stored)"
      }
    }
  }
}
