/// What a frame asks of the server, apart from what the session does by itself.
package enum Request {
  case connect(Connect)
  /// A `SEND` outside of transactions.
  case send(destination: String, Frame)
  /// The subscription is in place.
  case subscribe(destination: String, Frame)
  /// A transaction ends with these `SEND` frames, in order; its acknowledgements are done.
  case commit([HeldFrame], receipt: String?)
  case disconnect(receipt: String?)
  /// Done; all that is due is the receipt, if one was asked for.
  case done(receipt: String?)

  package struct Connect {
    package var version: Version
    package var heartBeat: HeartBeat
    package var headers: FrameHeaders
  }
}

/// The server's half of a STOMP session: versions, subscriptions, transactions, acknowledgements.
///
/// Frames go in, requests come out; the session does no I/O and knows no time. After an error the
/// owner sends `ERROR` and closes.
package struct ServerSession: Sendable {
  enum Phase: Hashable {
    case awaitingConnect, connected, ended
  }

  private struct Transaction {
    var name: String
    var frames: [HeldFrame] = []
  }

  private(set) var phase = Phase.awaitingConnect
  /// The newest until the client has said which it speaks.
  package private(set) var version = Version.v12
  private let limits: SessionLimits
  private var subscriptions: [Subscription] = []
  private var transactions: [Transaction] = []
  private var heldFrames = 0
  private var heldBytes = 0
  private var lastNumber: UInt64 = 0
  private var lastSubscription: UInt64 = 0
  private var unacknowledgedCount = 0

  package init(limits: SessionLimits = SessionLimits()) { self.limits = limits }

  package var hasConnected: Bool { phase == .connected }

  package mutating func received(_ frame: Frame) throws(SessionError) -> Request {
    do {
      return try handle(frame)
    } catch {
      throw SessionError(error.reason, receipt: frame.command.isConnect ? nil : frame.receipt)
    }
  }

  private mutating func handle(_ frame: Frame) throws(SessionError) -> Request {
    switch phase {
    case .awaitingConnect:
      guard frame.command.isConnect else { throw SessionError(.notConnected) }
      return .connect(try connect(frame))
    case .ended:
      return .done(receipt: nil)
    case .connected:
      break
    }
    let receipt = try name("receipt", of: frame)
    switch frame.command {
    case .connect, .stomp:
      throw SessionError(.connectedAlready)
    case .send:
      let destination = try destination(of: frame)
      if try hold(frame) { return .done(receipt: receipt) }
      return .send(destination: destination, frame)
    case .subscribe:
      return .subscribe(destination: try subscribe(frame), frame)
    case .unsubscribe:
      try unsubscribe(frame)
    case .ack, .nack:
      let number = try messageNumber(of: frame)
      if try !hold(frame) { acknowledge(number) }
    case .begin:
      try begin(try required("transaction", of: frame))
    case .commit:
      return .commit(try commit(try required("transaction", of: frame)), receipt: receipt)
    case .abort:
      _ = try end(try required("transaction", of: frame))
    case .disconnect:
      phase = .ended
      return .disconnect(receipt: receipt)
    }
    return .done(receipt: receipt)
  }

  // MARK: Connecting

  /// `host` may be absent, which STOMP 1.1 forbids: the clients of Spring leave it out.
  private mutating func connect(_ frame: Frame) throws(SessionError) -> Request.Connect {
    guard let version = Version.negotiated(accepting: frame.headers["accept-version"]) else {
      throw SessionError(.noCommonVersion)
    }
    var heartBeat = HeartBeat.none
    if version > .v10, let text = frame.headers["heart-beat"] {
      guard let parsed = HeartBeat(text) else { throw SessionError(.malformedHeartBeat) }
      heartBeat = parsed
    }
    self.version = version
    phase = .connected
    return Request.Connect(version: version, heartBeat: heartBeat, headers: frame.headers)
  }

  // MARK: Subscriptions

  private mutating func subscribe(_ frame: Frame) throws(SessionError) -> String {
    let destination = try destination(of: frame)
    let id = version > .v10 ? try required("id", of: frame) : try name("id", of: frame)
    guard let ack = AckMode(rawValue: frame.headers["ack"] ?? AckMode.auto.rawValue) else {
      throw SessionError(.unknownAckMode)
    }
    let subscription = Subscription(
      id: id, destination: destination, ack: ack, number: lastSubscription + 1)
    guard !subscriptions.contains(where: { $0.id == subscription.id }) else {
      throw SessionError(.subscriptionInUse)
    }
    guard subscriptions.count < limits.subscriptionsMax else {
      throw SessionError(.tooManySubscriptions)
    }
    lastSubscription += 1
    subscriptions.append(subscription)
    return destination
  }

  /// Ends the subscription made last, which the server does not grant.
  package mutating func refuseSubscription() { _ = subscriptions.popLast() }

  /// Lets messages pass the subscription made last by, until it is released by the number given.
  package mutating func holdSubscription() -> UInt64 {
    if let last = subscriptions.indices.last { subscriptions[last].isHeld = true }
    return lastSubscription
  }

  /// Messages go to the subscription from here on, if it is still there.
  package mutating func releaseSubscription(_ number: UInt64) {
    guard let index = subscriptions.firstIndex(where: { $0.number == number }) else { return }
    subscriptions[index].isHeld = false
  }

  /// One that is not there, perhaps because it was not granted, is none afterwards either.
  private mutating func unsubscribe(_ frame: Frame) throws(SessionError) {
    var id = try name("id", of: frame)
    if id == nil, version == .v10 { id = try destination(of: frame) }
    guard let id else { throw SessionError(.missingHeader("id")) }
    guard let index = subscriptions.firstIndex(where: { $0.id == id }) else { return }
    unacknowledgedCount -= subscriptions[index].unacknowledged.count
    subscriptions.remove(at: index)
  }

  /// Whether messages to `destination` go to any subscription.
  package func isSubscribed(to destination: String) -> Bool {
    subscriptions.contains { $0.destination == destination && !$0.isHeld }
  }

  // MARK: Messages

  /// Calls `send` for each subscription to `destination` that is not held, with a number for its
  /// copy.
  package mutating func deliver(
    to destination: String, _ send: (Delivery) -> Void
  ) throws(SessionError) {
    for index in subscriptions.indices
    where subscriptions[index].destination == destination && !subscriptions[index].isHeld {
      let isToBeAcknowledged = subscriptions[index].ack != .auto
      lastNumber += 1
      if isToBeAcknowledged {
        guard unacknowledgedCount < limits.unacknowledgedMax else {
          throw SessionError(.tooManyUnacknowledged)
        }
        unacknowledgedCount += 1
        subscriptions[index].unacknowledged.append(lastNumber)
      }
      let subscription = subscriptions[index]
      send(
        Delivery(
          number: lastNumber, subscription: subscription.isNamed ? subscription.id : nil,
          destination: destination, isToBeAcknowledged: isToBeAcknowledged))
    }
  }

  package func unacknowledged(in subscription: String) -> [UInt64] {
    subscriptions.first { $0.id == subscription }?.unacknowledged ?? []
  }

  /// Which message an `ACK` or `NACK` is of; nil for one that this session never had.
  private func messageNumber(of frame: Frame) throws(SessionError) -> UInt64? {
    switch version {
    case .v10: return UInt64(try required("message-id", of: frame))
    case .v11:
      _ = try required("subscription", of: frame)
      return UInt64(try required("message-id", of: frame))
    case .v12: return UInt64(try required("id", of: frame))
    }
  }

  /// `NACK` ends the wait as `ACK` does: the message stays in the log, and is not sent again.
  ///
  /// A number that waits no more is no error: a cumulative `ACK` may have been of it too, and
  /// clients acknowledge what need not be.
  private mutating func acknowledge(_ number: UInt64?) {
    guard let number else { return }
    for index in subscriptions.indices {
      guard let place = subscriptions[index].unacknowledged.firstIndex(of: number) else { continue }
      let first = subscriptions[index].ack == .client ? 0 : place
      subscriptions[index].unacknowledged.removeSubrange(first...place)
      unacknowledgedCount -= place - first + 1
      return
    }
  }

  // MARK: Transactions

  private mutating func begin(_ name: String) throws(SessionError) {
    guard !transactions.contains(where: { $0.name == name }) else {
      throw SessionError(.transactionInUse)
    }
    guard transactions.count < limits.transactionsMax else {
      throw SessionError(.tooManyTransactions)
    }
    transactions.append(Transaction(name: name))
  }

  /// Keeps the frame if it is part of a transaction.
  private mutating func hold(_ frame: Frame) throws(SessionError) -> Bool {
    guard let name = try name("transaction", of: frame) else { return false }
    guard let index = transactions.firstIndex(where: { $0.name == name }) else {
      throw SessionError(.unknownTransaction)
    }
    let held = HeldFrame(frame)
    guard heldFrames < limits.heldFramesMax, heldBytes + held.count <= limits.heldBytesMax else {
      throw SessionError(.transactionTooLarge)
    }
    heldFrames += 1
    heldBytes += held.count
    transactions[index].frames.append(held)
    return true
  }

  private mutating func commit(_ name: String) throws(SessionError) -> [HeldFrame] {
    var sends: [HeldFrame] = []
    for held in try end(name) {
      if held.command == .send {
        sends.append(held)
      } else {
        // It had its headers when it was held.
        acknowledge(held.withFrame { frame in (try? messageNumber(of: frame)) ?? nil })
      }
    }
    return sends
  }

  private mutating func end(_ name: String) throws(SessionError) -> [HeldFrame] {
    guard let index = transactions.firstIndex(where: { $0.name == name }) else {
      throw SessionError(.unknownTransaction)
    }
    let frames = transactions.remove(at: index).frames
    heldFrames -= frames.count
    heldBytes -= frames.reduce(0) { $0 + $1.count }
    return frames
  }

  // MARK: Headers

  private func name(_ header: StaticString, of frame: Frame) throws(SessionError) -> String? {
    guard let value = frame.headers[header] else { return nil }
    guard value.utf8.count <= limits.nameBytesMax else {
      throw SessionError(.headerTooLong("\(header)"))
    }
    return value
  }

  private func required(_ header: StaticString, of frame: Frame) throws(SessionError) -> String {
    guard let value = try name(header, of: frame) else {
      throw SessionError(.missingHeader("\(header)"))
    }
    return value
  }

  private func destination(of frame: Frame) throws(SessionError) -> String {
    guard let destination = frame.headers["destination"] else {
      throw SessionError(.missingHeader("destination"))
    }
    guard destination.utf8.count <= limits.destinationBytesMax else {
      throw SessionError(.headerTooLong("destination"))
    }
    return destination
  }
}
