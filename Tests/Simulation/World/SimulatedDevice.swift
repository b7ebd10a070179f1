import ChatCore
import ChatProtocol

/// A client that keeps the protocol's rules and checks that the server does.
final class SimulatedDevice {
  struct Sent {
    var to: Address
    var body: [UInt8]
  }

  let user: UserID
  let name: String
  /// Set while connected.
  var session: SessionID?
  var hub: SimulatedHub?
  var isReady = false
  var isReconnecting = false
  /// The name of its session in the registry.
  private(set) var connection = ""
  /// Sends without an ack, by cid, in order; sent again after each reconnect.
  private(set) var unacked: [(cid: String, sent: Sent)] = []
  private(set) var acks: [(cid: String, sent: Sent, sequence: UInt64)] = []
  private(set) var violations: [String] = []

  private var sendCount = 0
  private var places: [Address: Place] = [:]

  /// What this device has of one conversation.
  struct Place {
    /// Everything up to here was shown, or was said to be missing.
    var last: UInt64 = 0
    /// Numbers above `last` that acks told.
    var acked: Set<UInt64> = []
    var shown: [UInt64: [UInt8]] = [:]
    /// Numbers that a `gap` left to `history`.
    var told: Set<UInt64> = []
    /// The highest number that a `gap` called removed.
    var removed: UInt64 = 0
    /// Numbers at or below the head that the first `ready` told, or below what made the user a member.
    var old: UInt64 = 0
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

  var resume: [Address: UInt64] { places.filter { !$0.value.isOut }.mapValues(\.last) }

  /// Whether the device knows its user for a member.
  func isIn(_ room: Address) -> Bool { places[room]?.isOut == false }

  func place(in address: Address) -> Place { places[address] ?? Place() }

  func change(_ room: String, _ change: RoomChange) -> Command {
    sendCount += 1
    let cid = "\(user.name)-\(name)-\(sendCount)"
    return .changeRoom(
      .init(id: RequestID(json: cid), clientID: cid, room: room, change: change))
  }

  func compose(to other: Address) -> Command {
    sendCount += 1
    let cid = "\(user.name)-\(name)-\(sendCount)"
    let sent = Sent(to: other, body: Array("{\"text\":\"\(cid)\"}".utf8))
    unacked.append((cid, sent))
    return command(cid, sent)
  }

  var repeats: [Command] { unacked.map { command($0.cid, $0.sent) } }

  /// The send that an error answers, unless an ack came since.
  func `repeat`(of id: RequestID) -> Command? {
    unacked.first { RequestID(json: $0.cid) == id }.map { command($0.cid, $0.sent) }
  }

  private func command(_ cid: String, _ sent: Sent) -> Command {
    .send(
      Command.Send(
        id: RequestID(json: cid), clientID: cid, to: sent.to, body: sent.body, reference: nil))
  }

  // MARK: - What the server says

  func received(_ event: Event) {
    switch event {
    case .ready(let ready): received(ready)
    case .message(let message, conversation: let address): received(message, address)
    case .ack(let ack): received(ack)
    case .gap(conversation: let address, let after, let before, let cause):
      received(gapIn: address, after: after, before: before)
      if cause == .removal { places[address, default: Place()].removed = before - 1 }
    case .error(let id, .notFound, _, _) where isForRoom(id):
      unacked.removeAll { RequestID(json: $0.cid) == id }
    case .error(let id, .conflict, _, _) where !unacked.contains { RequestID(json: $0.cid) == id }:
      // The room is there already.
      break
    case .error(_, let code, let message, _):
      if code == .badRequest || code == .conflict || code == .notFound {
        violations.append("\(self) got error \(code): \(message)")
      }
    case .page, .conversations, .pong, .reconnect, .done, .receipt, .typing, .presence, .watching,
      .members:
      break
    }
  }

  /// Whether this was sent to a room, or to change one.
  private func isForRoom(_ id: RequestID?) -> Bool {
    guard let sent = unacked.first(where: { RequestID(json: $0.cid) == id }) else { return true }
    if case .room = sent.sent.to { return true } else { return false }
  }

  private func received(_ ready: Event.Ready) {
    isReady = true
    connection = ready.session
    let hadMemory = !resume.isEmpty
    let listed = Set(ready.conversations.map(\.address))
    for case .room(let name) in places.keys where !listed.contains(.room(name)) {
      places[.room(name)]?.isOut = true
    }
    for summary in ready.conversations where hadMemory && !isIn(summary.address) {
      guard let room = summary.room else { continue }
      enter(summary.address, after: room.joined - 1)
    }
    for summary in ready.conversations where !hadMemory && summary.head > 0 {
      places[summary.address] = Place(last: summary.head, old: summary.head)
    }
  }

  /// The user is a member of a room: the device sees what comes now.
  private func enter(_ room: Address, after sequence: UInt64) {
    var place = places[room] ?? Place()
    place.isOut = false
    place.last = max(place.last, sequence)
    place.old = max(place.old, sequence)
    place.acked = place.acked.filter { $0 > place.last }
    places[room] = place
  }

  private func received(_ message: Message, _ address: Address) {
    if message.sequence <= place(in: address).left { return leave(by: message, address) }
    if case .room = address, !isIn(address) { enter(address, after: message.sequence - 1) }
    defer { leave(by: message, address) }
    var place = places[address] ?? Place()
    defer { places[address] = place }
    if message.sequence <= place.last || place.acked.contains(message.sequence) {
      // An ack may have overtaken this device's own message.
      if message.sender == user, message.clientID.hasPrefix("\(user.name)-\(name)-") { return }
      violations.append("\(self) got \(address) \(message.sequence) twice, at \(place.last)")
      return
    }
    if message.sequence != place.last + 1 {
      violations.append("\(self) got \(address) \(message.sequence) at \(place.last)")
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
    places[room]?.isOut = true
  }

  private func received(gapIn address: Address, after: UInt64, before: UInt64) {
    if case .room = address, !isIn(address) { return enter(address, after: before - 1) }
    var place = places[address] ?? Place()
    defer { places[address] = place }
    guard after <= place.last else {
      violations.append("\(self) got a gap in \(address) after \(after), at \(place.last)")
      return
    }
    guard before > place.last + 1 else { return }
    place.told.formUnion(place.last + 1..<before)
    place.last = before - 1
    place.acked = place.acked.filter { $0 >= before }
    place.advance()
  }
}

extension SimulatedDevice: CustomStringConvertible {
  var description: String { "\(user)/\(name)" }
}
