import Bytes
import Reactor

/// The user who makes a room, has its members in it before they come, and writes to it.
final class RoomSender: ChatClientOwner {
  private enum Phase {
    /// So many of the members were asked to be let in.
    case inviting(Int)
    case sending
    case over
  }

  /// Users that one frame may name.
  private static let invitedMax = 100

  private let plan: Plan
  private let worker: Worker
  private var client: ChatClient!
  private(set) var members: [RoomMember] = []
  private var phase = Phase.inviting(0)
  private var hasStarted = false

  private var nextNumber: UInt64 = 0
  private var acked: UInt64 = 0
  /// When each message was sent that has no answer yet.
  private var outstanding: [UInt64: UInt64] = [:]
  /// Stamps of messages that are due and have no room in the window yet.
  private var released = StampQueue()
  /// By number, how many members have the message.
  private var readers: [Int] = []
  private var verified: RoomMessage?

  init(plan: Plan, worker: Worker) {
    self.plan = plan
    self.worker = worker
    client = ChatClient(
      user: "\(plan.prefix)-s", plan: plan, first: 0, on: worker.loop, owner: self)
    members = (0..<plan.members).map { number in
      RoomMember(
        user: "\(plan.prefix)-m\(number)", room: self, plan: plan, endpoint: number, worker: worker)
    }
  }

  var name: String { plan.prefix }

  func connect() { client.connect() }

  func leave() {
    client.leave()
    for member in members { member.leave() }
  }

  // MARK: - Inviting

  /// A hundred in each frame, the first with the room. Who joins by themselves would be an entry
  /// for all who are there already.
  private func invite(from first: Int) {
    let last = min(first + Self.invitedMax, members.count)
    phase = .inviting(last)
    client.send { frame in
      frame.append(first == 0 ? #"{"type":"room.create""# : #"{"type":"room.invite""#)
      frame.append(#","id":0,"room":"#)
      frame.append(quoted: "#", name)
      frame.append(first == 0 ? #","members":["# : #","users":["#)
      for index in first..<last {
        if index > first { frame.append(",") }
        frame.append(quoted: "@", members[index].user)
      }
      frame.append("]}")
    }
  }

  /// The entries that inviting makes.
  private var invitations: Int {
    (members.count + Self.invitedMax - 1) / Self.invitedMax
  }

  private func invited() {
    guard case .inviting(let last) = phase else { return }
    if last < members.count { return invite(from: last) }
    phase = .sending
    worker.roomWasMade()
  }

  // MARK: - Sending

  func start() {
    hasStarted = true
    fill()
  }

  func stop() {
    phase = .over
    released.removeAll()
  }

  /// At a given rate: `count` more messages are due now.
  func release(_ count: Int) {
    guard case .sending = phase else { return }
    released.append(worker.stamp, count: count)
    fill()
  }

  private func fill() {
    while hasStarted, client.isLive, case .sending = phase, outstanding.count < plan.window {
      if let messages = plan.messages, nextNumber >= messages { return }
      var stamp = worker.stamp
      if plan.rate != nil {
        guard let due = released.popFirst() else { return }
        stamp = due
      }
      outstanding[nextNumber] = stamp
      readers.append(0)
      send(nextNumber, stamp: stamp)
      nextNumber += 1
      worker.tally.sent += 1
    }
  }

  private func send(_ number: UInt64, stamp: UInt64) {
    client.send { frame in
      if plan.isRelayed {
        appendMessage(number, to: &frame)
      } else {
        frame.append(#"{"type":"send","id":"#)
        frame.append(decimal: number)
        frame.append(#","cid":""#)
        appendClientID(number, to: &frame)
        frame.append(#"","to":"#)
        frame.append(quoted: "#", name)
      }
      frame.append(#","body":{"text":""#)
      Payload(sender: client.user, number: number, stamp: stamp).append(to: &frame, size: plan.size)
      frame.append(#""}}"#)
    }
  }

  /// What the server would make of the message, byte for byte as long.
  private func appendMessage(_ number: UInt64, to frame: inout ByteBuffer) {
    frame.append(#"{"type":"msg","conv":"#)
    frame.append(quoted: "#", name)
    frame.append(#","seq":"#)
    frame.append(decimal: UInt64(invitations) + number + 1)
    frame.append(#","from":"#)
    frame.append(quoted: "@", client.user)
    frame.append(#","cid":""#)
    appendClientID(number, to: &frame)
    frame.append(#"","ts":1767222222123"#)
  }

  private func appendClientID(_ number: UInt64, to frame: inout ByteBuffer) {
    frame.append(utf8: client.user)
    frame.append("-")
    frame.append(decimal: number)
  }

  // MARK: - The session

  func resume() -> [(conversation: String, sequence: UInt64)] { [] }

  func ready() {
    if case .inviting(let last) = phase {
      // A relay knows of no rooms, and writes to all.
      guard !plan.isRelayed else {
        phase = .sending
        return worker.roomWasMade()
      }
      return last == 0 ? invite(from: 0) : refused("lost while it made the room")
    }
    worker.sideCameBack()
    // The same cid again: whichever was stored before is answered with its number.
    for number in outstanding.keys.sorted() {
      guard let stamp = outstanding[number] else { continue }
      worker.tally.retried += 1
      send(number, stamp: stamp)
    }
    fill()
  }

  func received(_ frame: ServerFrame) {
    switch frame.type {
    case "ok": invited()
    case "ack":
      if let number = frame.id { confirm(number) }
    case "error": refused("error \(frame.code)")
    default: break
    }
  }

  /// Of what it wrote, a relay sends it a copy in place of an ack.
  func took(_ text: UnsafeRawBufferPointer) -> Bool {
    guard plan.isRelayed, let message = message(in: text) else { return false }
    confirm(message.payload.number)
    return true
  }

  private func confirm(_ number: UInt64) {
    guard let stamp = outstanding.removeValue(forKey: number) else { return }
    acked += 1
    worker.tally.acked += 1
    Tally.record(worker.stamp &- stamp, in: &worker.tally.sendToAck)
    fill()
  }

  func unreadable() { worker.tally.altered += 1 }

  func lost(_ why: Disconnection, wasLive: Bool) {
    worker.sideWasLost(client.user, why, wasLive: wasLive)
  }

  func refused(_ why: String) {
    worker.tally.refused += 1
    worker.say("\(client.user): \(why)")
  }

  // MARK: - What the members have

  /// The message in a text; nil if there is none, or not as this user wrote it.
  func message(in text: UnsafeRawBufferPointer) -> RoomMessage? {
    if let verified, verified.isWritten(in: text) { return verified }
    guard let message = RoomMessage(text, size: plan.size), message.payload.sender == client.user,
      message.payload.number < nextNumber
    else { return nil }
    verified = message
    return message
  }

  /// One more member has the message.
  func delivered(_ payload: Payload) {
    worker.tally.delivered += 1
    Tally.record(worker.stamp &- payload.stamp, in: &worker.tally.sendToDelivery)
    readers[Int(payload.number)] += 1
    if readers[Int(payload.number)] == members.count {
      Tally.record(worker.stamp &- payload.stamp, in: &worker.tally.sendToLast)
    }
  }

  /// Whether all that it will send is acked, and with all members.
  var isSettled: Bool {
    guard outstanding.isEmpty, members.allSatisfy({ $0.count >= acked }) else { return false }
    if case .over = phase { return true }
    return nextNumber == plan.messages
  }

  /// Adds what can be known only at the end.
  func conclude() {
    worker.tally.unacknowledged += UInt64(outstanding.count)
    if let messages = plan.messages { worker.tally.unacknowledged += messages - nextNumber }
    for member in members { worker.tally.lost += acked - min(acked, member.count) }
  }
}

extension ByteBuffer {
  fileprivate mutating func append(quoted sigil: StaticString, _ name: String) {
    append("\"")
    append(sigil)
    append(utf8: name)
    append("\"")
  }
}
