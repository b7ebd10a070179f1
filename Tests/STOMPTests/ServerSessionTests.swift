import Testing

@testable import STOMP

@Suite struct ServerSessionTests {
  static let versions: [(accepted: String, version: String)] = [
    ("accept-version:1.2\n", "1.2"), ("accept-version:1.0,1.1\n", "1.1"),
    ("accept-version:1.0\n", "1.0"), ("", "1.0"), ("accept-version:1.1, 1.2 ,9.9\n", "1.2"),
  ]

  @Test(arguments: versions) func `the newest common version is spoken`(
    accepted: String, version: String
  ) throws {
    var session = ServerSession()
    for command in ["CONNECT", "STOMP"] {
      session = ServerSession()
      #expect(try session.take("\(command)\n\(accepted)\n") == "connect \(version) 0,0")
    }
    #expect(session.hasConnected)
  }

  @Test func `a client of other versions is refused`() {
    for list in ["2.0", "", "1", "1.20"] {
      #expect(throws: SessionError(.noCommonVersion)) {
        var session = ServerSession()
        return try session.take("CONNECT\naccept-version:\(list)\n\n")
      }
    }
  }

  @Test func `CONNECT is the first frame and the only one`() throws {
    var session = ServerSession()
    #expect(throws: SessionError(.notConnected, receipt: "r")) {
      try session.take("SEND\ndestination:/a\nreceipt:r\n\n")
    }
    session = try .connected(.v12)
    #expect(throws: SessionError(.connectedAlready)) { try session.take("CONNECT\n\n") }
  }

  @Test func `heart-beats are two numbers, from 1_1 on`() throws {
    var session = ServerSession()
    let connect = "CONNECT\naccept-version:1.2\nheart-beat:"
    #expect(try session.take("\(connect)5000,10000\n\n") == "connect 1.2 5000,10000")
    for text in ["", "1", "1,", ",1", "1,2,3", "-1,0", "a,b", "1000000000,0"] {
      #expect(throws: SessionError(.malformedHeartBeat)) {
        var session = ServerSession()
        return try session.take("\(connect)\(text)\n\n")
      }
    }
    session = ServerSession()
    #expect(try session.take("CONNECT\nheart-beat:x\n\n") == "connect 1.0 0,0")
  }

  @Test func `a beat is sent as rarely as either side asks, or never`() {
    let ours = HeartBeat(sendsEvery: 10_000, wantsEvery: 10_000)
    #expect(ours.outgoing(to: HeartBeat(sendsEvery: 0, wantsEvery: 20_000)) == 20_000)
    #expect(ours.outgoing(to: HeartBeat(sendsEvery: 0, wantsEvery: 5_000)) == 10_000)
    #expect(ours.outgoing(to: HeartBeat(sendsEvery: 9, wantsEvery: 0)) == nil)
    #expect(HeartBeat.none.outgoing(to: ours) == nil)
  }

  @Test func `a receipt may be asked for with any frame`() throws {
    var session = try ServerSession.connected(.v12)
    #expect(try session.take("BEGIN\ntransaction:t\nreceipt:1\n\n") == "done 1")
    #expect(try session.take("SEND\ndestination:/a\ntransaction:t\nreceipt:2\n\nx") == "done 2")
    #expect(try session.take("ABORT\ntransaction:t\nreceipt:3\n\n") == "done 3")
    #expect(try session.take("UNSUBSCRIBE\nid:0\nreceipt:4\n\n") == "done 4")
    #expect(try session.take("ACK\nid:1\nreceipt:5\n\n") == "done 5")
    #expect(try session.take("DISCONNECT\nreceipt:6\n\n") == "disconnect 6")
  }

  @Test func `behind DISCONNECT nothing is done`() throws {
    var session = try ServerSession.connected(.v12)
    _ = try session.take("DISCONNECT\n\n")
    #expect(try session.take("SEND\ndestination:/a\nreceipt:1\n\nx") == "done -")
    #expect(!session.hasConnected)
  }

  // MARK: Subscriptions

  @Test func `a message goes to each subscription of its destination`() throws {
    var session = try ServerSession.connected(.v12)
    #expect(try session.take("SUBSCRIBE\nid:a\ndestination:/x\n\n") == "subscribe /x")
    _ = try session.take("SUBSCRIBE\nid:b\ndestination:/x\nack:client\n\n")
    _ = try session.take("SUBSCRIBE\nid:c\ndestination:/y\n\n")
    let copies = try session.copies(to: "/x")
    #expect(copies.map(\.subscription) == ["a", "b"])
    #expect(copies.map(\.number) == [1, 2])
    #expect(copies.map(\.isToBeAcknowledged) == [false, true])
    #expect(try session.copies(to: "/z").isEmpty)
    _ = try session.take("UNSUBSCRIBE\nid:a\n\n")
    #expect(try session.copies(to: "/x").map(\.subscription) == ["b"])
  }

  @Test func `in 1_0 a subscription may go by its destination`() throws {
    var session = try ServerSession.connected(.v10)
    _ = try session.take("SUBSCRIBE\ndestination:/x\n\n")
    #expect(try session.copies(to: "/x").map(\.subscription) == [nil])
    _ = try session.take("UNSUBSCRIBE\ndestination:/x\n\n")
    #expect(try session.copies(to: "/x").isEmpty)
  }

  @Test func `a subscription that is not granted is none`() throws {
    var session = try ServerSession.connected(.v12)
    _ = try session.take("SUBSCRIBE\nid:a\ndestination:/x\n\n")
    session.refuseSubscription()
    #expect(!session.isSubscribed(to: "/x"))
    #expect(try session.take("UNSUBSCRIBE\nid:a\n\n") == "done -")
  }

  @Test func `messages pass a subscription by that is held`() throws {
    var session = try ServerSession.connected(.v12)
    _ = try session.take("SUBSCRIBE\nid:a\ndestination:/x\n\n")
    let first = session.holdSubscription()
    #expect(!session.isSubscribed(to: "/x"))
    _ = try session.take("UNSUBSCRIBE\nid:a\n\n")
    _ = try session.take("SUBSCRIBE\nid:a\ndestination:/x\n\n")
    let second = session.holdSubscription()
    session.releaseSubscription(first)
    #expect(try session.copies(to: "/x").isEmpty)
    session.releaseSubscription(second)
    #expect(session.isSubscribed(to: "/x"))
    #expect(try session.copies(to: "/x").map(\.subscription) == ["a"])
  }

  // MARK: Acknowledgements

  /// A session that was sent five messages over one subscription.
  private func waiting(_ mode: String, _ version: Version) throws -> ServerSession {
    var session = try ServerSession.connected(version)
    _ = try session.take("SUBSCRIBE\nid:a\ndestination:/x\nack:\(mode)\n\n")
    for _ in 0..<5 { _ = try session.copies(to: "/x") }
    return session
  }

  @Test func `client acknowledges up to a message, client-individual just that`() throws {
    for command in ["ACK", "NACK"] {
      var session = try waiting("client", .v12)
      _ = try session.take("\(command)\nid:3\n\n")
      #expect(session.unacknowledged(in: "a") == [4, 5])
      session = try waiting("client-individual", .v12)
      _ = try session.take("\(command)\nid:3\n\n")
      #expect(session.unacknowledged(in: "a") == [1, 2, 4, 5])
    }
    #expect(try waiting("auto", .v12).unacknowledged(in: "a").isEmpty)
  }

  @Test func `each version names the message its own way`() throws {
    var session = try waiting("client", .v10)
    _ = try session.take("ACK\nmessage-id:2\n\n")
    #expect(session.unacknowledged(in: "a") == [3, 4, 5])
    session = try waiting("client", .v11)
    _ = try session.take("ACK\nsubscription:a\nmessage-id:2\n\n")
    #expect(session.unacknowledged(in: "a") == [3, 4, 5])
    #expect(throws: SessionError(.missingHeader("subscription"))) {
      try session.take("ACK\nmessage-id:3\n\n")
    }
    session = try waiting("client", .v12)
    #expect(throws: SessionError(.missingHeader("id"))) {
      try session.take("ACK\nsubscription:a\nmessage-id:3\n\n")
    }
  }

  @Test func `what waits no more may be acknowledged again`() throws {
    var session = try waiting("client", .v12)
    for id in ["5", "3", "99", "nonsense", "18446744073709551616"] {
      #expect(try session.take("ACK\nid:\(id)\n\n") == "done -")
    }
    #expect(session.unacknowledged(in: "a").isEmpty)
  }

  @Test func `messages without an ACK are bounded`() throws {
    var limits = SessionLimits()
    limits.unacknowledgedMax = 3
    var session = try ServerSession.connected(.v12, limits: limits)
    _ = try session.take("SUBSCRIBE\nid:a\ndestination:/x\nack:client\n\n")
    for _ in 0..<3 { _ = try session.copies(to: "/x") }
    var full = session
    #expect(throws: SessionError(.tooManyUnacknowledged)) { try full.copies(to: "/x") }
    _ = try session.take("ACK\nid:3\n\n")
    #expect(try session.copies(to: "/x").count == 1)
    _ = try session.take("UNSUBSCRIBE\nid:a\n\n")
    _ = try session.take("SUBSCRIBE\nid:b\ndestination:/x\nack:client\n\n")
    for _ in 0..<3 { #expect(try session.copies(to: "/x").count == 1) }
  }

  // MARK: Transactions

  @Test func `a transaction holds its frames until COMMIT`() throws {
    var session = try waiting("client", .v12)
    _ = try session.take("BEGIN\ntransaction:t\n\n")
    _ = try session.take("SEND\ndestination:/a\ntransaction:t\n\none")
    _ = try session.take("ACK\nid:2\ntransaction:t\n\n")
    #expect(try session.take("SEND\ndestination:/a\n\nat once") == "send /a at once")
    _ = try session.take("SEND\ndestination:/a\ntransaction:t\n\ntwo")
    #expect(session.unacknowledged(in: "a").count == 5)
    #expect(try session.take("COMMIT\ntransaction:t\nreceipt:c\n\n") == "commit one,two c")
    #expect(session.unacknowledged(in: "a") == [3, 4, 5])
    #expect(throws: SessionError(.unknownTransaction)) {
      try session.take("COMMIT\ntransaction:t\n\n")
    }
  }

  @Test func `of an aborted transaction nothing is left`() throws {
    var session = try waiting("client", .v12)
    _ = try session.take("BEGIN\ntransaction:t\n\n")
    _ = try session.take("SEND\ndestination:/a\ntransaction:t\n\none")
    _ = try session.take("ACK\nid:2\ntransaction:t\n\n")
    _ = try session.take("ABORT\ntransaction:t\n\n")
    #expect(session.unacknowledged(in: "a").count == 5)
    _ = try session.take("BEGIN\ntransaction:t\n\n")
    #expect(try session.take("COMMIT\ntransaction:t\n\n") == "commit  -")
  }

  @Test func `transactions are bounded in number and in what they hold`() throws {
    var limits = SessionLimits()
    limits.transactionsMax = 2
    limits.heldFramesMax = 3
    limits.heldBytesMax = 200
    var session = try ServerSession.connected(.v12, limits: limits)
    for name in ["t", "u"] { _ = try session.take("BEGIN\ntransaction:\(name)\n\n") }
    var other = session
    #expect(throws: SessionError(.tooManyTransactions)) {
      try other.take("BEGIN\ntransaction:v\n\n")
    }
    let send = "SEND\ndestination:/a\ntransaction:t\n\n"
    other = session
    for _ in 0..<3 { _ = try other.take(send) }
    #expect(throws: SessionError(.transactionTooLarge)) { try other.take(send) }
    _ = try session.take(send + String(repeating: "x", count: 150))
    var full = session
    #expect(throws: SessionError(.transactionTooLarge)) { try full.take(send) }
    _ = try session.take("ABORT\ntransaction:t\n\n")
    #expect(try session.take(send.replacing("t\n\n", with: "u\n\n")) == "done -")
  }

  // MARK: Refusals

  static let refused: [(frame: String, reason: SessionError.Reason)] = [
    ("SEND\n\n", .missingHeader("destination")),
    ("SEND\ndestination:\(String(repeating: "/", count: 257))\n\n", .headerTooLong("destination")),
    (
      "SEND\ndestination:/a\nreceipt:\(String(repeating: "r", count: 129))\n\n",
      .headerTooLong("receipt")
    ),
    ("SEND\ndestination:/a\ntransaction:t\n\n", .unknownTransaction),
    ("SUBSCRIBE\nid:a\n\n", .missingHeader("destination")),
    ("SUBSCRIBE\ndestination:/a\n\n", .missingHeader("id")),
    ("SUBSCRIBE\nid:0\ndestination:/a\n\n", .subscriptionInUse),
    ("SUBSCRIBE\nid:1\ndestination:/a\nack:never\n\n", .unknownAckMode),
    ("UNSUBSCRIBE\ndestination:/x\n\n", .missingHeader("id")),
    ("ACK\n\n", .missingHeader("id")), ("NACK\n\n", .missingHeader("id")),
    ("ACK\nid:1\ntransaction:t\n\n", .unknownTransaction),
    ("BEGIN\n\n", .missingHeader("transaction")),
    ("BEGIN\ntransaction:b\n\n", .transactionInUse),
    ("COMMIT\n\n", .missingHeader("transaction")), ("ABORT\n\n", .missingHeader("transaction")),
    ("ABORT\ntransaction:t\n\n", .unknownTransaction),
  ]

  @Test(arguments: refused) func `what a session cannot do is an error`(
    frame: String, reason: SessionError.Reason
  ) throws {
    var session = try ServerSession.connected(.v12)
    _ = try session.take("SUBSCRIBE\nid:0\ndestination:/x\n\n")
    _ = try session.take("BEGIN\ntransaction:b\n\n")
    let error = #expect(throws: SessionError.self) { try session.take(frame) }
    #expect(error?.reason == reason)
  }

  @Test func `subscriptions are bounded`() throws {
    var session = try ServerSession.connected(.v12)
    for id in 0..<SessionLimits().subscriptionsMax {
      _ = try session.take("SUBSCRIBE\nid:\(id)\ndestination:/x\n\n")
    }
    #expect(throws: SessionError(.tooManySubscriptions, receipt: "r")) {
      try session.take("SUBSCRIBE\nid:x\ndestination:/x\nreceipt:r\n\n")
    }
  }
}
