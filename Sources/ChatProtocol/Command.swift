import Bytes

/// The `id` of a request: any JSON string or number, kept as it was written (quotes and escapes
/// included) so that the answer can echo it byte for byte. At most `bytesMax` bytes.
///
/// Nothing between the request and its answer looks into it, so that another protocol than chat.v1
/// may put into it whatever its answers need.
package struct RequestID: Hashable, Sendable {
  package static let bytesMax = 128

  package let json: String

  package init(json: String) { self.json = json }
}

/// A frame from a client, parsed and validated field by field.
package enum Command: Hashable, Sendable {
  case hello(Hello)
  /// Appends an entry to a conversation: `send`, `edit`, `delete` or `react`.
  case send(Send)
  case history(History)
  case conversations(RequestID?)
  case ping(RequestID?)
  case mark(Mark)
  case typing(Address)
  /// What the user's device is doing: `online` or `away`.
  case setPresence(RequestID?, PresenceState)
  case watchPresence(RequestID?, [UserID])
  case changeRoom(ChangeRoom)
  case members(Members)
  /// Goes back to what the device holds, as in a hello; answered by another `ready`.
  case resume(RequestID?, [Address: UInt64])
  /// A well-formed object whose `type` this server does not know, cut to 64 bytes.
  case unknown(RequestID?, type: String)

  package struct Hello: Hashable, Sendable {
    package var id: RequestID?
    /// Stands in for the token in open mode. Written `alice` or `@alice`.
    package var user: UserID?
    package var token: String?
    /// 1 to 64 printable bytes; the server invents one when it is absent.
    package var device: String?
    /// The last `seq` that the device holds, per conversation. At most `resumeMax` entries.
    package var resume: [Address: UInt64]

    package static let deviceBytesMax = 64

    /// Whether `name` may be a device's.
    package static func isDevice(_ name: String) -> Bool {
      1...deviceBytesMax ~= name.utf8.count && !name.utf8.contains(where: ASCII.isControl)
    }

    package static let resumeMax = 4_096

    package init(
      id: RequestID?, user: UserID?, token: String?, device: String?, resume: [Address: UInt64]
    ) {
      self.id = id
      self.user = user
      self.token = token
      self.device = device
      self.resume = resume
    }
  }

  package struct Send: Sendable {
    /// The client id has 1 to 64 printable bytes; the body is the JSON object as it was written,
    /// validated, at most `bodyBytesMax` bytes.
    package var content: MessageContent
    package var to: Address
    package var kind: EntryKind
    /// What is answered, edited, deleted or reacted to; present in all kinds but a message.
    package var reference: UInt64?

    package var id: RequestID? { content.requestID }

    package static let clientIDBytesMax = 64
    package static let bodyBytesMax = 16_384
    package static let emojiBytesMax = 64

    package init(
      id: RequestID?, clientID: String, to: Address, body: [UInt8], reference: UInt64?
    ) {
      let content = MessageContent(requestID: id, clientID: clientID, body: body)
      self.init(content: content, to: to, reference: reference)
    }

    init(content: MessageContent, to: Address, kind: EntryKind = .message, reference: UInt64?) {
      self.content = content
      self.to = to
      self.kind = kind
      self.reference = reference
    }
  }

  package struct History: Hashable, Sendable {
    package var id: RequestID?
    package var to: Address
    package var span: Span
    /// 1 to `limitMax`; greater values are clamped, and absent means `limitMax`.
    package var limit: Int

    package static let limitMax = 100

    package enum Span: Hashable, Sendable {
      /// The newest messages.
      case latest
      /// The newest messages with `seq` below this.
      case before(UInt64)
      /// The oldest messages with `seq` above this.
      case after(UInt64)
      /// The oldest messages with `seq` above the first and below the second.
      case between(UInt64, UInt64)
    }

    package init(id: RequestID?, to: Address, span: Span, limit: Int) {
      self.id = id
      self.to = to
      self.span = span
      self.limit = limit
    }
  }
}

extension Command {
  /// How far a member is in a conversation: `recv` or `read`.
  package struct Mark: Hashable, Sendable {
    package var id: RequestID?
    package var to: Address
    /// Up to where the member's devices have the messages; 0: not said. What was read was received.
    package var received: UInt64
    package var read: UInt64

    package init(id: RequestID?, to: Address, received: UInt64, read: UInt64) {
      self.id = id
      self.to = to
      self.received = received
      self.read = read
    }
  }

  package struct ChangeRoom: Hashable, Sendable {
    package var id: RequestID?
    /// As of a send; the server makes one up for a change that has none.
    package var clientID: String?
    /// Its name, without the sigil.
    package var room: String
    package var change: RoomChange

    package init(id: RequestID?, clientID: String?, room: String, change: RoomChange) {
      self.id = id
      self.clientID = clientID
      self.room = room
      self.change = change
    }
  }

  package struct Members: Hashable, Sendable {
    package var id: RequestID?
    package var room: String
    /// Members in rising order of their names, those behind this one.
    package var after: UserID?
    /// 1 to `limitMax`; greater values are clamped, and absent means `limitMax`.
    package var limit: Int

    package static let limitMax = 1_000

    package init(id: RequestID?, room: String, after: UserID?, limit: Int) {
      self.id = id
      self.room = room
      self.after = after
      self.limit = limit
    }
  }

  /// Users that one `presence.watch` may name.
  package static let watchedMax = 1_000
}

/// Two sends are equal when their `id` is too, which the content leaves out.
extension Command.Send: Hashable {
  package static func == (left: Command.Send, right: Command.Send) -> Bool {
    left.content == right.content && left.id == right.id && left.to == right.to
      && left.kind == right.kind && left.reference == right.reference
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(content)
    hasher.combine(to)
  }
}
