import ChatProtocol

@testable import ChatCore

extension HubDriver {
  /// A room of alice's, who is on another node, and bob's.
  func makeRoom() {
    write(
      ConversationID(room: "lobby"), alice,
      .create(RoomSettings(isPublic: false), members: [bob]))
  }

  /// Entries that another node stored.
  ///
  /// - Parameter added: whom they make members.
  func arriveInRoom(_ entries: Message..., adding added: [UserID] = []) {
    let envelopes = entries.map { Envelope.deliver(Delivery(message: $0, recipients: added)) }
    turn { $0.handle(.arrived(envelopes)) }
    pass(0)
  }
}
