import ChatProtocol
import DequeModule

/// How a session's place in a conversation differs from its user's.
enum Lag {
  /// It holds the messages up to here already; its user is still below.
  case ahead(through: UInt64)
  /// It is being sent what it missed.
  case resuming(Missed)
  /// It was congested: nothing above this was sent, and a `gap` will say so.
  case shed(after: UInt64)
  /// Nothing above this was sent, and nothing will be until the store has said that the user is still in
  /// the room. A list read before `since` may not have it.
  case unsure(after: UInt64, since: Int64)
  /// It has the room up to here, and was told by `ready` that its user is not in it.
  case out(after: UInt64)
}

/// The missed messages of one conversation: those above `position` are in the store, the newest
/// perhaps in `behind` too.
struct Missed {
  /// The last number sent to the session.
  var position: UInt64
  /// Live messages that wait until the missed ones are through: without gaps, up to the user's
  /// own place. Emptied when there are too many; they are then read from the store.
  var behind: Deque<Message> = []
  /// Numbers whose `ack` the session got, which was their echo.
  var acked: [UInt64] = []
  var vain = VainReads()

  init(position: UInt64) { self.position = position }
}

/// The course of all of a session's missed messages.
final class Resumption {
  /// Conversations to read on in, the first one first.
  var waiting: Deque<ConversationID> = []
  /// Conversations whose read failed, until the alarms that move them back to `waiting`.
  var failed: [(conversation: ConversationID, nextAt: Int64)] = []
  /// Messages that may yet be sent before a `gap` takes their place.
  var budget: Int
  var readsInFlight = 0
  /// Over all conversations.
  var messagesBehind = 0

  init(budget: Int) { self.budget = budget }
}
