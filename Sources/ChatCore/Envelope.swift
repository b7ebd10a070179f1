package import ChatProtocol

/// What one node tells another about users and sessions that it holds.
package enum Envelope: Hashable, Sendable {
  /// A committed message for those of `recipients` that are connected to the receiving node, and if
  /// it is a room's, for all of the room's members there.
  case deliver(Delivery)
  /// Another connection took over this device: close the one named, with 4004.
  case replace(UserID, device: String, connection: String)
  /// Another connection took over this device, and has gone: register the one named again, or with an
  /// empty name whichever there is.
  case restore(UserID, device: String, connection: String)
  case relay(Relay)
  /// Something that is not stored, for those of `recipients` that are connected to the receiving node;
  /// without recipients for all members of the room there, or for all who watch the user there.
  case signal(Signal, recipients: [UserID])
}

/// What is told once, and may be lost.
package enum Signal: Hashable, Sendable {
  case typing(in: ConversationID, UserID)
  /// How far a member is in the conversation. Lower than before: it was overtaken on its way.
  case receipt(in: ConversationID, UserID, PeerMarks)
  case presence(UserID, Presence)
}

package struct Delivery: Hashable, Sendable {
  package var message: Message
  package var recipients: [UserID]
  /// How often a dead route returned this and its recipients were looked up again; at most
  /// `hopsMax`.
  package var hops: UInt8

  package static let hopsMax: UInt8 = 2

  package init(message: Message, recipients: [UserID], hops: UInt8 = 0) {
    self.message = message
    self.recipients = recipients
    self.hops = hops
  }
}
