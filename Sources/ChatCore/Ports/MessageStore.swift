package import ChatProtocol

// What ChatCore needs from the outside. Each port has an implementation in memory or embedded and
// one over a real server; one contract suite in ChatBackendsTests holds both to this text.
//
// All three are called from any event loop and never block. Answers come through the `reply`
// closure, on a thread of the implementation's choosing, in batches; a hub's closure only posts
// to that hub's mailbox. Every request is answered exactly once, also when the server is away.

/// Keeps messages. An answered append is committed: it survives a crash of this process and of
/// the machine as far as the database promises it.
package protocol MessageStore: Sendable {
  /// Requests of one batch, and of successive batches from one thread, that touch the same
  /// conversation take effect in the order given. Appends are committed in groups: whatever
  /// queued up during one commit goes into the next.
  func submit(_ batch: [StoreRequest], reply: @escaping @Sendable ([StoreReply]) -> Void)
}

package struct StoreRequest: Sendable {
  /// The caller's own number for this request; the reply carries it back.
  package var token: UInt64
  package var operation: Operation

  package enum Operation: Sendable {
    /// Gives the message the next number of its conversation, which is made if need be.
    ///
    /// Idempotent by sender and client id, over all conversations and for as long as the entry is
    /// kept.
    case append(Draft)
    /// Changes a room and appends an entry that tells it, both or none; idempotent as `append` is.
    case changeRoom(RoomDraft)
    /// Raises how far a member is in a conversation: `received` and `read`, where 0 says nothing.
    /// What is above the head counts as the head, what was read was received, and what is lower
    /// than before changes nothing.
    ///
    /// Takes effect after all that was submitted before it, but perhaps after some of what was
    /// submitted behind it too, so that many members' marks cost one statement.
    case mark(UserID, in: ConversationID, received: UInt64, read: UInt64)
    /// The conversations that a user is a member of, the most recently written first.
    ///
    /// `countsUnread`: how many messages are unread is wanted too, which costs reads of the log.
    case conversations(of: UserID, limit: Int, countsUnread: Bool = false)
    /// Entries in rising order of `seq`, those with `after < seq < before`. With more than `limit`
    /// of them, the lowest when `fromStart`, else the highest. Edited messages have their last
    /// body, deleted ones an empty object.
    ///
    /// With a reader, only what that member may see: entries of a room above the member's `since`;
    /// refused to all others with `.notFound`. A direct conversation is not checked.
    ///
    /// A read sees all that was submitted to this store before it, and perhaps what came later.
    case messages(
      in: ConversationID, reader: UserID? = nil, after: UInt64, before: UInt64, limit: Int,
      fromStart: Bool)
    /// Members of a room in rising order of their names, those behind `after`; for its members
    /// only, and refused to all others with `.notFound`.
    case members(of: ConversationID, reader: UserID, after: UserID?, limit: Int)
    /// Removes entries with a timestamp below `keptSince`, and of rooms with a limit of their own
    /// those that are older than it `now`: at most `limit` of them, from the start of their
    /// conversations on, all or none. Their client ids may be used again.
    ///
    /// Raises the conversations' low-water marks by that, and touches nothing else: neither heads
    /// nor members nor their marks. Asked for on several nodes at once, one of them does it.
    case removeExpired(keptSince: Timestamp, now: Timestamp, limit: Int)
  }

  package init(token: UInt64, operation: Operation) {
    self.token = token
    self.operation = operation
  }
}

/// A message, edit, deletion or reaction before it has a number; `EntryRules` say which are taken.
///
/// In a room the sender must be a member. What an edit, deletion or reaction refers to must be a
/// message of the conversation that is not deleted and that the sender may see; what a message
/// answers is not looked at. An edit must be by the message's sender, a deletion too or, in a room,
/// by a moderator. Deleting takes the bodies of the message and of its edits out of the store, and
/// both are read as deleted by it.
///
/// A client id that was used before is told first: a repeated send is a duplicate also when it
/// would be refused today, and after its message was edited or deleted. Of a deleted one the body
/// is not there to be compared.
package struct Draft: Hashable, Sendable {
  package var conversation: ConversationID
  package var sender: UserID
  package var content: MessageContent
  /// Any kind but `room`.
  package var kind: EntryKind
  package var reference: UInt64?
  /// When this node received it. The stored timestamp of a conversation never goes backwards.
  package var timestamp: Timestamp

  package init(
    conversation: ConversationID, sender: UserID, content: MessageContent,
    kind: EntryKind = .message, reference: UInt64?, timestamp: Timestamp
  ) {
    self.kind = kind
    self.conversation = conversation
    self.sender = sender
    self.content = content
    self.reference = reference
    self.timestamp = timestamp
  }
}

/// A change of a room before it has a number; `RoomRules` decide.
///
/// Who may: anybody creates a room that does not exist, and joins a public one; a member leaves,
/// and invites to a public room; a moderator invites to a private one, takes out members below the
/// own role, and changes name and topic; an owner gives roles, also to other owners, makes the room
/// public or private, and says how long it keeps entries. A room is never without an owner while it has members: when the last
/// owner leaves or steps down, the member of the highest role who has been there longest becomes
/// one; of those who came with one entry, the first by name. An owner who is alone cannot step
/// down. A room whose last member has left keeps its name and log, and a public one may be joined
/// again; who joins a room without members becomes its owner.
///
/// A member sees the entries above `since`: all of a room that is public; of one that is private,
/// all for those who came while it was public, else those from the entry on with which the member
/// came.
///
/// What is so already is `.unchanged`: who joins is a member, all who are invited are, who is taken
/// out is none, or the role or the settings are the same.
package struct RoomDraft: Hashable, Sendable {
  /// A room's.
  package var conversation: ConversationID
  package var actor: UserID
  package var change: RoomChange
  /// The client id as of a message, and `change.body`, which the entry has.
  package var content: MessageContent
  package var timestamp: Timestamp

  package static let membersMax = 50_000

  package init(
    conversation: ConversationID, actor: UserID, change: RoomChange, content: MessageContent,
    timestamp: Timestamp
  ) {
    self.conversation = conversation
    self.actor = actor
    self.change = change
    self.content = content
    self.timestamp = timestamp
  }
}

package struct StoreReply: Sendable {
  package var token: UInt64
  package var result: Result

  package enum Result: Sendable, Equatable {
    /// Committed. `isDuplicate`: an earlier request with this client id did it. A retry that the
    /// store made by itself, after a connection that died in mid-commit, does not count as one.
    case appended(sequence: UInt64, timestamp: Timestamp, isDuplicate: Bool)
    /// The client id was used before, for another conversation, kind, body or reference.
    case conflict
    /// Not allowed, now; nothing was changed.
    case refused(StoreRefusal)
    /// A change of a room that was so already: nobody was to be told.
    case unchanged
    /// How far the member is now, perhaps by a later mark.
    case marked(received: UInt64, read: UInt64)
    case members([ListedMember])
    case conversations([ConversationState])
    /// The entries up to `lowWaterMark` have been removed; it was so when the others were read.
    case messages([Message], lowWaterMark: UInt64 = 0)
    /// So many entries are removed now. `isDone`: there were no more, or another node is at it.
    case removed(count: Int, isDone: Bool)
    /// Not done, or not known to be done; the same request may be made again.
    case unavailable
  }

  package init(token: UInt64, result: Result) {
    self.token = token
    self.result = result
  }
}

package enum StoreRefusal: Hashable, Sendable, CaseIterable {
  /// The conversation is not there or the user is not in it, which look the same; or what an entry
  /// refers to is not there.
  case notFound
  /// A member, but not one who may do this.
  case forbidden
  /// The room exists already.
  case exists
  /// The room has `RoomDraft.membersMax` members.
  case full
}

package struct ConversationState: Hashable, Sendable {
  package var conversation: ConversationID
  package var head: UInt64
  package var received: UInt64
  package var read: UInt64
  /// The other member's, in a direct conversation of two.
  package var peer: PeerMarks?
  package var room: RoomSummary?
  /// The entries up to here have been removed.
  package var lowWaterMark: UInt64
  /// Messages of others among the entries above both `read` and `start`, of which the newest
  /// `unreadEntriesMax` are looked at. Deleted ones do not count. 0 when it was not asked for.
  package var unread: UInt64

  /// Bounds what a list of conversations costs: of each, so many entries are read.
  package static let unreadEntriesMax = 200

  package init(
    conversation: ConversationID, head: UInt64, received: UInt64, read: UInt64,
    peer: PeerMarks? = nil, room: RoomSummary? = nil, lowWaterMark: UInt64 = 0, unread: UInt64 = 0
  ) {
    self.lowWaterMark = lowWaterMark
    self.unread = unread
    self.conversation = conversation
    self.head = head
    self.received = received
    self.read = read
    self.peer = peer
    self.room = room
  }

  /// What this member may see, and is there to be seen, is above this.
  package var start: UInt64 { max(room?.since ?? 0, lowWaterMark) }
}
