/// A member of a room, who reads: each message once, in the order of their numbers.
final class RoomMember: ChatClientOwner {
  let user: String
  private unowned let room: RoomSender
  private let worker: Worker
  private var client: ChatClient!
  private var wasReady = false
  private var seen = NumberSet()
  /// The `seq` that came last.
  private var last: UInt64?
  /// Up to here messages may come again, since the member has reconnected.
  private var repeatableThrough: UInt64 = 0

  init(user: String, room: RoomSender, plan: Plan, endpoint: Int, worker: Worker) {
    self.user = user
    self.room = room
    self.worker = worker
    client = ChatClient(user: user, plan: plan, first: endpoint, on: worker.loop, owner: self)
  }

  /// How many messages it has.
  var count: UInt64 { seen.count }

  func connect() { client.connect() }
  func leave() { client.leave() }

  func resume() -> [(conversation: String, sequence: UInt64)] {
    last.map { [("#\(room.name)", $0)] } ?? []
  }

  func ready() {
    if wasReady {
      worker.sideCameBack()
    } else {
      wasReady = true
      worker.sideBecameReady()
    }
  }

  func lost(_ why: Disconnection, wasLive: Bool) {
    repeatableThrough = last ?? 0
    worker.sideWasLost(user, why, wasLive: wasLive)
  }

  func refused(_ why: String) {
    worker.tally.refused += 1
    worker.say("\(user): \(why)")
  }

  func unreadable() { worker.tally.altered += 1 }

  func received(_ frame: ServerFrame) {
    switch frame.type {
    case "msg":
      worker.tally.altered += 1
      worker.say("\(user): a message that nobody wrote")
    // What is left out is not fetched, and so is lost.
    case "gap": worker.tally.gaps += 1
    case "error": refused("error \(frame.code)")
    default: break
    }
  }

  func took(_ text: UnsafeRawBufferPointer) -> Bool {
    guard let message = room.message(in: text) else { return false }
    take(message.sequence, message.payload)
    return true
  }

  private func take(_ sequence: UInt64, _ payload: Payload) {
    if let last, sequence != last + 1 {
      guard sequence > last else {
        if sequence > repeatableThrough { worker.tally.duplicated += 1 }
        return
      }
      worker.tally.outOfOrder += 1
    }
    last = sequence
    if seen.insert(payload.number) {
      room.delivered(payload)
    } else {
      worker.tally.duplicated += 1
    }
  }
}
