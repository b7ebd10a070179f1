import Bytes
import Reactor

/// One user of a pair: sends to the other, and checks what comes back.
final class PairSide: ChatClientOwner {
  private struct Outstanding {
    var stamp: UInt64
    /// Not to be sent before; the server asked for patience.
    var retryAt: Instant?
  }

  private enum Sending { case notYet, on, over }

  let user: String
  let peer: String
  private let plan: Plan
  private let worker: Worker
  private var client: ChatClient!

  private var verifier = SequenceVerifier()
  private var numbersSeen = NumberSet()
  private var nextNumber: UInt64 = 0
  private var acked: UInt64 = 0
  private var outstanding: [UInt64: Outstanding] = [:]
  /// Stamps of messages that are due and have no room in the window yet.
  private var released = StampQueue()
  private var crossing = Crossing()
  /// The peer's side; set before the first message.
  weak var other: PairSide?
  private var isFetching = false
  private(set) var wasReady = false
  private var sending = Sending.notYet

  init(user: String, peer: String, plan: Plan, endpoint: Int, worker: Worker) {
    self.user = user
    self.peer = peer
    self.plan = plan
    self.worker = worker
    client = ChatClient(user: user, plan: plan, first: endpoint, on: worker.loop, owner: self)
  }

  func connect() { client.connect() }
  func leave() { client.leave() }

  // MARK: - Sending

  func start() {
    sending = .on
    fill()
  }

  func stop() {
    sending = .over
    released.removeAll()
  }

  /// At a given rate: `count` more messages are due now.
  func release(_ count: Int) {
    guard sending == .on else { return }
    released.append(worker.stamp, count: count)
    fill()
  }

  private func fill() {
    while client.isLive, sending == .on, outstanding.count < plan.window {
      if let messages = plan.messages, nextNumber >= messages { return }
      let stamp: UInt64
      if plan.rate == nil {
        stamp = worker.stamp
      } else {
        guard let due = released.popFirst() else { return }
        stamp = due
      }
      outstanding[nextNumber] = Outstanding(stamp: stamp)
      send(nextNumber, stamp: stamp)
      nextNumber += 1
      worker.tally.sent += 1
    }
  }

  private func send(_ number: UInt64, stamp: UInt64) {
    client.send { frame in
      frame.append(#"{"type":"send","id":"#)
      frame.append(decimal: number)
      frame.append(#","cid":""#)
      frame.append(utf8: user)
      frame.append("-")
      frame.append(decimal: number)
      frame.append(#"","to":"@"#)
      frame.append(utf8: peer)
      frame.append(#"","body":{"text":""#)
      Payload(sender: user, number: number, stamp: stamp).append(to: &frame, size: plan.size)
      frame.append(#""}}"#)
    }
  }

  /// Sends again what the server put off and what is missing; called a few times a second.
  func tick() {
    guard client.isLive else { return }
    for (number, entry) in outstanding {
      guard let retryAt = entry.retryAt, retryAt <= worker.loop.now else { continue }
      outstanding[number]?.retryAt = nil
      worker.tally.retried += 1
      send(number, stamp: entry.stamp)
    }
    if verifier.needsFetch, !isFetching { fetch() }
  }

  private func fetch() {
    isFetching = true
    client.send { frame in
      frame.append(#"{"type":"history","to":"@"#)
      frame.append(utf8: peer)
      frame.append(#"","after":"#)
      frame.append(decimal: verifier.last)
      frame.append("}")
    }
  }

  // MARK: - The session

  func resume() -> [(conversation: String, sequence: UInt64)] { [("@\(peer)", verifier.last)] }

  func ready() {
    if wasReady {
      worker.sideCameBack()
    } else {
      wasReady = true
      worker.sideBecameReady()
    }
    isFetching = false
    // The same cid again: whichever was stored before is answered with its number.
    for number in outstanding.keys.sorted() {
      guard let entry = outstanding[number] else { continue }
      outstanding[number]?.retryAt = nil
      worker.tally.retried += 1
      send(number, stamp: entry.stamp)
    }
    fill()
  }

  func lost(_ why: Disconnection, wasLive: Bool) {
    verifier.reconnected()
    worker.sideWasLost(user, why, wasLive: wasLive)
  }

  func refused(_ why: String) {
    worker.tally.refused += 1
    worker.say("\(user): \(why)")
  }

  func unreadable() {
    worker.tally.altered += 1
    worker.say("\(user): a frame that is no JSON object")
  }

  func received(_ frame: ServerFrame) {
    switch frame.type {
    case "ack":
      guard let number = frame.id, let sequence = frame.sequence else { return }
      verifier.acked(sequence)
      confirm(number)
      fill()
    case "msg":
      take(frame, asFetched: false)
    case "gap":
      worker.tally.gaps += 1
      verifier.announcedGap(before: frame.before ?? 0)
      if verifier.needsFetch, !isFetching { fetch() }
    case "page":
      isFetching = false
      let last = verifier.last
      for item in frame.items { take(item, asFetched: true) }
      if verifier.needsFetch, verifier.last > last { fetch() }
    case "error":
      failed(frame)
    default: break
    }
  }

  private func confirm(_ number: UInt64) {
    guard let entry = outstanding.removeValue(forKey: number) else { return }
    acked += 1
    worker.tally.acked += 1
    Tally.record(worker.stamp &- entry.stamp, in: &worker.tally.sendToAck)
    // Only at a given rate: it costs two look-ups per message.
    if plan.rate != nil { record(crossing.acked(number, at: worker.stamp)) }
  }

  private func delivered(_ number: UInt64) {
    record(crossing.delivered(number, at: worker.stamp))
  }

  private func record(_ ackToDelivery: UInt64?) {
    if let ackToDelivery { Tally.record(ackToDelivery, in: &worker.tally.ackToDelivery) }
  }

  private func failed(_ frame: ServerFrame) {
    guard let number = frame.id, outstanding[number] != nil else {
      worker.say("\(user): error \(frame.code)")
      return
    }
    guard frame.isRetryable else {
      outstanding[number] = nil
      worker.tally.refused += 1
      worker.say("\(user): message \(number) refused: \(frame.code)")
      return
    }
    let delay = Duration.milliseconds(Int64(frame.afterMilliseconds ?? 500))
    outstanding[number]?.retryAt = worker.loop.now + delay
  }

  private func take(_ frame: ServerFrame, asFetched: Bool) {
    guard let sequence = frame.sequence else {
      worker.tally.altered += 1
      return
    }
    guard verifier.received(sequence, asFetched: asFetched) else { return }
    let payload = frame.text.flatMap { Payload($0, size: plan.size) }
    guard let payload, payload.sender == frame.from else {
      worker.tally.altered += 1
      worker.say("\(user): message \(sequence) from \(frame.from) was altered")
      return
    }
    if payload.sender == user {
      // Stored just before a connection was lost: the message comes in place of its ack.
      confirm(payload.number)
      fill()
    } else if payload.sender != peer {
      worker.tally.altered += 1
    } else if numbersSeen.insert(payload.number) {
      worker.tally.delivered += 1
      Tally.record(worker.stamp &- payload.stamp, in: &worker.tally.sendToDelivery)
      if plan.rate != nil { other?.delivered(payload.number) }
    } else {
      worker.tally.duplicated += 1
      worker.say("\(user): message \(payload.number) of \(peer) came twice, now as \(sequence)")
    }
  }

  // MARK: - The end

  /// Whether this side has sent all that it will, and all is acked.
  var isSettled: Bool {
    outstanding.isEmpty && (sending == .over || nextNumber == plan.messages)
  }

  func holdsAll(of other: PairSide) -> Bool { numbersSeen.count >= other.acked }

  /// Adds what can be known only at the end.
  func conclude(with other: PairSide) {
    let missing = other.acked - min(other.acked, numbersSeen.count)
    let total = acked + numbersSeen.count
    worker.tally.lost += max(missing, total - min(total, verifier.applied))
    worker.tally.unacknowledged += UInt64(outstanding.count)
    if let messages = plan.messages { worker.tally.unacknowledged += messages - nextNumber }
    worker.tally.outOfOrder += UInt64(verifier.outOfOrder)
    worker.tally.duplicated += UInt64(verifier.duplicated)
  }
}

/// Stamps in rising order, many of which are equal.
struct StampQueue {
  private var entries: [(stamp: UInt64, count: Int)] = []
  private var first = 0

  mutating func append(_ stamp: UInt64, count: Int) {
    if count > 0 { entries.append((stamp, count)) }
  }

  mutating func popFirst() -> UInt64? {
    guard first < entries.count else { return nil }
    let stamp = entries[first].stamp
    entries[first].count -= 1
    if entries[first].count == 0 { first += 1 }
    if first == entries.count { removeAll() }
    return stamp
  }

  mutating func removeAll() {
    entries.removeAll(keepingCapacity: true)
    first = 0
  }
}
