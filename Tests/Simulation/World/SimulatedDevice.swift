import ChatCore
import ChatProtocol
import ReferenceJSON

/// A client that keeps the protocol's rules and checks that the server does.
final class SimulatedDevice {
  struct Sent {
    var to: Address
    var body: [UInt8]
    var kind = EntryKind.message
    /// What an edit, a deletion or a reaction is about.
    var target: UInt64?
  }

  /// What a `gap` left to `history`: the numbers above `after` and below `before`.
  struct Fetch {
    let id: RequestID
    let address: Address
    let after: UInt64
    let before: UInt64

    var command: Command {
      .history(.init(id: id, to: address, span: .between(after, before), limit: 100))
    }
  }

  let user: UserID
  let name: String
  /// Set while connected.
  private(set) var session: SessionID?
  private(set) var hub: SimulatedHub?
  private(set) var isReady = false
  var isReconnecting = false
  /// Whether this connection was too slow at some time.
  private(set) var isSlow = false
  /// Whether it says that it is not in use.
  var isAway = false
  /// Who was seen to type.
  var typists: Set<UserID> = []
  /// Whom it watches, and what it was told of them last.
  var watchList: [UserID] = []
  var watched: [UserID: PresenceState] = [:]
  /// The conversations of its user when it said hello, in their order.
  private(set) var headsAtHello: [(ConversationID, UInt64)] = []
  /// The name of its session in the registry.
  private(set) var connection = ""
  /// Sends without an ack, by cid, in order; sent again after each reconnect.
  var unacked: [(cid: String, sent: Sent)] = []
  /// Changes of rooms without an answer, in order; asked for again likewise.
  var changes: [Command.ChangeRoom] = []
  private(set) var acks: [(cid: String, sent: Sent, sequence: UInt64)] = []
  private var violations: [String] = []
  /// Asked for and not answered, asked for again after each reconnect.
  private(set) var fetches: [Fetch] = []

  /// How far each member is, as far as it was told.
  var marks: [Address: [UserID: PeerMarks]] = [:]
  /// What it said that was read, until the answer.
  var marksSent: [RequestID: (address: Address, read: UInt64)] = [:]
  /// What was answered with `ok`.
  var confirmedMarks: [Address: UInt64] = [:]
  var sendCount = 0
  private var places: [Address: Place] = [:]
  /// With which entries its user came into the rooms of the last `ready`.
  var begins: [Address: UInt64] = [:]

  /// What this device has of one conversation.
  struct Place {
    /// Everything up to here was shown, or was said to be missing.
    var last: UInt64 = 0
    /// Numbers above `last` that acks told.
    var acked: Set<UInt64> = []
    var shown: [UInt64: [UInt8]] = [:]
    /// Numbers that a `gap` took the place of.
    var told: Set<UInt64> = []
    /// The highest number that a `gap` called removed.
    var removed: UInt64 = 0
    /// Numbers at or below the head that the first `ready` told, or below what made the user a member.
    var old: UInt64 = 0
    /// The entry that made the user a member, while only `ready` has told of it: the room begins with
    /// what comes first. No frame says it, so the device knows it only to check what that is.
    var begin: UInt64?
    /// What comes is above this.
    var start: UInt64 { max(last, (begin ?? 1) - 1) }
    /// The user was taken out of the room.
    var isOut = false {
      didSet { if isOut { left = last } }
    }
    /// Where the device was then: a hub that is behind may begin with what it had before.
    var left: UInt64 = 0

    mutating func advance() {
      while acked.remove(last + 1) != nil { last += 1 }
    }
  }

  init(user: UserID, name: String) {
    self.user = user
    self.name = name
  }

  func connects(
    to hub: SimulatedHub, as session: SessionID, heads: [(ConversationID, UInt64)]
  ) {
    self.hub = hub
    self.session = session
    headsAtHello = heads
    isSlow = false
    isAway = false
    watched = [:]
    marksSent = [:]
    forgetMarksOfRooms()
  }

  func disconnects() {
    session = nil
    hub = nil
    isReady = false
  }

  func becomesSlow() { isSlow = true }

  var resume: [Address: UInt64] {
    places.filter { !$0.value.isOut && $0.value.begin == nil }.mapValues(\.last)
  }

  /// Whether the device knows its user for a member.
  func isIn(_ room: Address) -> Bool { places[room]?.isOut == false }

  /// Of the conversations that it has something of, and of rooms that its user is in.
  var addresses: [Address] {
    places.keys.filter { $0.user != nil || isIn($0) }.sorted { "\($0)" < "\($1)" }
  }

  /// Those that the device knows its user for a member of.
  var rooms: [Address] { addresses.filter { $0.user == nil } }

  func place(in address: Address) -> Place { places[address] ?? Place() }

  func violates(_ violation: String) { violations.append("\(self) \(violation)") }

  func takeViolations() -> [String] {
    defer { violations = [] }
    return violations
  }

  // MARK: - What the server says

  /// What the text of a frame says to a client: all that was meant by it, but what it has no field for.
  func read(_ text: [UInt8], of event: Event) -> Event? {
    do throws(JSONText.Failure) {
      let read = try Event(frame: text, for: user)
      if read == event.asWritten { return read }
      violates("got \(String(decoding: text, as: UTF8.self)), meant was \(event)")
    } catch {
      violates("got \(String(decoding: text, as: UTF8.self)): \(error)")
    }
    return nil
  }

  /// Gives what it asks for in turn.
  func received(_ event: Event) -> [Command] {
    switch event {
    case .ready(let ready):
      received(ready)
      noteMarks(in: ready.conversations)
      return repeats + (watchList.isEmpty ? [] : [.watchPresence(nextID(), watchList)])
    case .page(let id, conversation: let address, let items, let more):
      return received(page: id, of: address, items, more: more)
    case .message(let message, conversation: let address): received(message, address)
    case .ack(let ack): received(ack)
    case .gap(conversation: let address, let after, let before, let cause):
      received(gapIn: address, after: after, before: before)
      guard cause == .removal else { return fetch(address, after: after, before: before) }
      places[address, default: Place()].removed = before - 1
    case .done(let id):
      changes.removeAll { $0.id == id }
      if let id { confirmMark(id) }
    case .receipt(conversation: let address, let user, let marks):
      note(marks, of: user, in: address)
    case .watching(_, let users):
      for user in users { watched[user.user] = user.presence.state }
    case .presence(let user, let presence):
      watched[user] = presence.state
    case .error(let id, .notFound, _, _) where isForRoom(id):
      changes.removeAll { $0.id == id }
      unacked.removeAll { self.id(of: $0.cid) == id }
    case .error(let id, .conflict, _, _) where !unacked.contains { self.id(of: $0.cid) == id }:
      // The room is there already.
      changes.removeAll { $0.id == id }
    case .error(_, let code, let message, _):
      if code == .badRequest || code == .conflict || code == .notFound {
        violates("got error \(code): \(message)")
      }
    case .typing(conversation: _, let user):
      typists.insert(user)
    case .conversations, .pong, .reconnect, .members:
      break
    }
    return []
  }

  /// Whether this was sent to a room, or to change one.
  private func isForRoom(_ id: RequestID?) -> Bool {
    guard let sent = unacked.first(where: { self.id(of: $0.cid) == id }) else { return true }
    if case .room = sent.sent.to { return true } else { return false }
  }

  private func received(_ ready: Event.Ready) {
    isReady = true
    connection = ready.session
    let hadMemory = !resume.isEmpty
    let listed = Set(ready.conversations.map(\.address))
    for case .room(let name) in places.keys where !listed.contains(.room(name)) {
      leave(.room(name))
    }
    for summary in ready.conversations where hadMemory && summary.room != nil {
      guard let begin = begins.removeValue(forKey: summary.address),
        !isIn(summary.address) || place(in: summary.address).begin != nil
      else { continue }
      places[summary.address, default: Place()].isOut = false
      places[summary.address]?.begin = begin
    }
    for summary in ready.conversations where !hadMemory && summary.head > 0 {
      places[summary.address] = Place(last: summary.head, old: summary.head)
    }
  }

  /// What comes first of a room that `ready` told of must be the entry that made the user a member, or
  /// a gap that takes its place.
  private func begin(_ room: Address) {
    if let begin = place(in: room).begin { enter(room, after: begin - 1) }
  }

  /// The user is a member of a room: the device sees what comes now.
  private func enter(_ room: Address, after sequence: UInt64) {
    var place = places[room] ?? Place()
    place.isOut = false
    place.begin = nil
    place.last = max(place.last, sequence)
    place.old = max(place.old, sequence)
    place.acked = place.acked.filter { $0 > place.last }
    place.advance()
    places[room] = place
  }

  private func received(_ message: Message, _ address: Address) {
    if message.sequence <= place(in: address).left { return leave(by: message, address) }
    begin(address)
    if case .room = address, !isIn(address) { enter(address, after: message.sequence - 1) }
    defer { leave(by: message, address) }
    var place = places[address] ?? Place()
    defer { places[address] = place }
    if message.sequence <= place.last || place.acked.contains(message.sequence) {
      // An ack may have overtaken this device's own message.
      if message.sender == user, message.clientID.hasPrefix("\(user.name)-\(name)-") { return }
      violates("got \(address) \(message.sequence) twice, at \(place.last)")
      return
    }
    if message.sequence != place.last + 1 {
      violates("got \(address) \(message.sequence) at \(place.last)")
    }
    place.shown[message.sequence] = message.body
    place.last = message.sequence
    place.advance()
  }

  private func received(_ ack: Event.Ack) {
    guard let index = unacked.firstIndex(where: { $0.cid == ack.clientID }) else { return }
    let sent = unacked.remove(at: index).sent
    acks.append((ack.clientID, sent, ack.sequence))
    places[ack.conversation, default: Place()].shown[ack.sequence] = sent.body
    if ack.sequence > places[ack.conversation]?.last ?? 0 {
      places[ack.conversation]?.acked.insert(ack.sequence)
    }
    places[ack.conversation]?.advance()
  }

  private func leave(by message: Message, _ room: Address) {
    guard message.kind == .room,
      let change = message.content.withBody({ RoomChange(body: $0) }),
      change.removed(by: message.sender) == user
    else { return }
    leave(room)
  }

  private func leave(_ room: Address) {
    places[room]?.isOut = true
    places[room]?.begin = nil
    fetches.removeAll { $0.address == room }
  }

  private func received(gapIn address: Address, after: UInt64, before: UInt64) {
    begin(address)
    if case .room = address, !isIn(address) {
      // The answer to a `history` from before the user was taken out brings it nowhere.
      if before - 1 > place(in: address).left { enter(address, after: before - 1) }
      return
    }
    var place = places[address] ?? Place()
    defer { places[address] = place }
    guard after <= place.last else {
      violates("got a gap in \(address) after \(after), at \(place.last)")
      return
    }
    guard before > place.last + 1 else { return }
    place.told.formUnion(place.last + 1..<before)
    place.last = before - 1
    place.acked = place.acked.filter { $0 >= before }
    place.advance()
  }

  // MARK: - What it was not sent

  private func fetch(_ address: Address, after: UInt64, before: UInt64) -> [Command] {
    let fetch = Fetch(id: nextID(), address: address, after: after, before: before)
    fetches.append(fetch)
    return [fetch.command]
  }

  private func received(
    page id: RequestID?, of address: Address, _ items: [Message], more: Bool
  ) -> [Command] {
    guard let index = fetches.firstIndex(where: { $0.id == id }) else { return [] }
    let before = fetches.remove(at: index).before
    for item in items { places[address, default: Place()].shown[item.sequence] = item.body }
    guard more, let last = items.last else { return [] }
    return fetch(address, after: last.sequence, before: before)
  }
}

extension SimulatedDevice: CustomStringConvertible {
  var description: String { "\(user)/\(name)" }
}
