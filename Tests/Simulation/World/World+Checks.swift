import ChatCore
import ChatProtocol

// What a device is told must be so, and be for its user, as it comes.
extension World {
  func check(_ event: Event, for device: SimulatedDevice) {
    switch event {
    case .message(let message, conversation: let address):
      check([message], of: address, for: device)
      check(entryBy: message.sequence, of: address, for: device)
    case .page(_, conversation: let address, let items, more: _):
      check(items, of: address, for: device)
    case .gap(conversation: let address, let after, let before, let cause):
      check(gapIn: address, after: after, before: before, for: device)
      check(needOfGapIn: address, after: after, before: before, cause, for: device)
    case .ready(let ready):
      for summary in ready.conversations { device.begins[summary.address] = summary.room?.joined }
      check(ready.conversations, for: device)
      checkNothingIsMissing(in: ready.conversations, for: device)
    case .conversations(_, let conversations):
      check(conversations, for: device)
    case .receipt(conversation: let address, let user, let marks):
      checkMembership(in: address, of: device)
      check(marks, of: user, in: address, for: device)
    case .typing(conversation: let address, let user):
      checkMembership(in: address, of: device)
      check(typist: user, in: address, for: device)
    case .ack, .pong, .done, .presence, .watching, .members, .error, .reconnect:
      break
    }
  }

  private func check(_ messages: [Message], of address: Address, for device: SimulatedDevice) {
    let conversation = ConversationID(address, seenBy: device.user)
    for message in messages {
      let entry = store.entry(message.sequence, of: conversation)
      if !store.isVisible(message.sequence, of: conversation, to: device.user) {
        device.violates("got \(address) \(message.sequence), which is not for it")
      }
      if message.conversation != conversation || message.sender != entry?.sender
        || message.clientID != entry?.clientID || message.body != entry?.body
        || message.kind != entry?.kind || message.reference != entry?.reference
        || message.timestamp != entry?.timestamp
      {
        device.violates("got \(address) \(message.sequence), which is stored otherwise")
      }
    }
  }

  /// A room begins for a device with the entry that made its user a member, or goes on where it ended, which
  /// acks may have moved since.
  private func check(
    entryBy sequence: UInt64, of address: Address, for device: SimulatedDevice
  ) {
    let conversation = ConversationID(address, seenBy: device.user)
    let place = device.place(in: address)
    guard conversation.isRoom, !device.isIn(address),
      place.left == 0 || sequence > place.last + 1,
      !store.stays(of: device.user, in: conversation).contains(where: { $0.joined == sequence })
    else { return }
    device.violates("came into \(address) with \(sequence), which did not make it a member")
  }

  private func check(
    gapIn address: Address, after: UInt64, before: UInt64, for device: SimulatedDevice
  ) {
    let conversation = ConversationID(address, seenBy: device.user)
    guard conversation.isRoom else { return }
    let stays = store.stays(of: device.user, in: conversation)
    guard let last = stays.last, before - 1 <= last.left ?? .max else {
      return device.violates("got a gap in \(address) before \(before), which is not for it")
    }
    let left = device.place(in: address).left
    let goesOn = device.isIn(address) || left > 0 && (after == left || before - 1 <= left)
    if !goesOn, !stays.contains(where: { $0.joined == after + 1 || $0.joined == before }) {
      device.violates("came into \(address) with a gap \(after)..\(before)")
    }
  }

  /// Only a slow device does without what it is to get; and one that still catches up while its user is
  /// taken out of the room, or comes again. What it was away from the room for, it was not to get.
  private func check(
    needOfGapIn address: Address, after: UInt64, before: UInt64, _ cause: GapCause,
    for device: SimulatedDevice
  ) {
    let conversation = ConversationID(address, seenBy: device.user)
    let stays = store.stays(of: device.user, in: conversation)
    let isCutShort = stays.contains { $0.left == before || $0.joined == before }
    switch cause {
    case .overflow where scenario.allowsGaps || device.isSlow || isCutShort: return
    case .absence where isCutShort: return
    case .overflow, .absence, .removal: break
    }
    let place = device.place(in: address)
    let first = max(after, place.start) + 1
    for number in first..<max(first, min(before, store.head(conversation) + 1))
    where place.shown[number] == nil
      && store.isOwed(number, of: conversation, to: device.user)
    {
      return device.violates("got a gap in \(address) for \(number), which is there")
    }
  }

  /// Nobody is told of more than is stored.
  private func check(
    _ marks: PeerMarks, of user: UserID, in address: Address, for device: SimulatedDevice
  ) {
    let stored = store.marks(of: user, in: ConversationID(address, seenBy: device.user))
    if marks.received > stored.received || marks.read > stored.read {
      device.violates("is told of \(user) in \(address) at \(marks), stored is \(stored)")
    }
  }

  private func check(typist user: UserID, in address: Address, for device: SimulatedDevice) {
    let conversation = ConversationID(address, seenBy: device.user)
    guard let time = typings[Typing(conversation: conversation, user: user)],
      now - time < .seconds(3)
    else { return device.violates("sees \(user) type in \(address), who does not") }
  }

  private func check(_ conversations: [ConversationSummary], for device: SimulatedDevice) {
    for summary in conversations {
      let conversation = ConversationID(summary.address, seenBy: device.user)
      if summary.head > store.head(conversation)
        || !store.isMember(device.user, of: conversation, at: summary.head)
      {
        device.violates("is told of \(summary.address) at \(summary.head), where it is not")
      }
    }
  }

  /// What was there at the hello and still is.
  private func checkNothingIsMissing(
    in conversations: [ConversationSummary], for device: SimulatedDevice
  ) {
    let heads = Dictionary(uniqueKeysWithValues: conversations.map { ($0.address, $0.head) })
    for (conversation, head) in device.headsAtHello
    where store.isMember(device.user, of: conversation) {
      if let last = store.stays(of: device.user, in: conversation).last, last.joined > head {
        continue
      }
      let told = heads[conversation.address(seenBy: device.user)]
      if told ?? 0 < head {
        device.violates("is not told that \(conversation) is at \(head)")
      }
    }
  }

  /// Who was told to be out of a room hears nothing of it until the user is in again, and whose user never
  /// was in it nothing at all. The entry with which the user came may be on its way, and that stay over.
  private func checkMembership(in address: Address, of device: SimulatedDevice) {
    let conversation = ConversationID(address, seenBy: device.user)
    let left = device.place(in: address).left
    let isOnItsWay = store.stays(of: device.user, in: conversation).contains { $0.joined > left }
    if !store.isMember(device.user, of: conversation), !device.isIn(address), !isOnItsWay {
      device.violates("hears of \(address), where it is not")
    }
  }
}
