import ChatProtocol

// What a device writes and asks for, and says again until there is an answer.
extension SimulatedDevice {
  func change(_ room: String, _ change: RoomChange) -> Command {
    let cid = nextCID()
    let change = Command.ChangeRoom(
      id: id(of: cid), clientID: cid, room: room, change: change)
    changes.append(change)
    return .changeRoom(change)
  }

  func compose(to other: Address) -> Command {
    let cid = nextCID()
    return send(cid, Sent(to: other, body: Array(#"{"text":"\#(cid)"}"#.utf8)))
  }

  /// The device's own messages that were acked and that it has not deleted.
  func targets(in address: Address) -> [UInt64] {
    let sent = acks.map(\.sent) + unacked.map(\.sent)
    let deleted = sent.filter { $0.kind == .delete && $0.to == address }.compactMap(\.target)
    return acks.filter {
      $0.sent.kind == .message && $0.sent.to == address && !deleted.contains($0.sequence)
    }.map(\.sequence)
  }

  func edit(_ target: UInt64, in address: Address) -> Command {
    let cid = nextCID()
    let body = #"{"text":"\#(cid)"}"#
    return send(cid, Sent(to: address, body: Array(body.utf8), kind: .edit, target: target))
  }

  func delete(_ target: UInt64, in address: Address) -> Command {
    send(nextCID(), Sent(to: address, body: Array("{}".utf8), kind: .delete, target: target))
  }

  func react(to target: UInt64, in address: Address, takesBack: Bool) -> Command {
    let body = takesBack ? #"{"emoji":"👍","remove":true}"# : #"{"emoji":"👍"}"#
    return send(
      nextCID(), Sent(to: address, body: Array(body.utf8), kind: .react, target: target))
  }

  private func send(_ cid: String, _ sent: Sent) -> Command {
    unacked.append((cid, sent))
    return command(cid, sent)
  }

  private func nextCID() -> String {
    sendCount += 1
    return "\(user.name)-\(name)-\(sendCount)"
  }

  func id(of cid: String) -> RequestID { RequestID(json: "\"\(cid)\"") }

  var repeats: [Command] {
    changes.map { .changeRoom($0) } + unacked.map { command($0.cid, $0.sent) }
      + fetches.map(\.command)
  }

  /// The request that an error answers, unless it was answered since.
  func `repeat`(of id: RequestID) -> Command? {
    if let send = unacked.first(where: { self.id(of: $0.cid) == id }) {
      return command(send.cid, send.sent)
    }
    if let change = changes.first(where: { $0.id == id }) { return .changeRoom(change) }
    return fetches.first { $0.id == id }?.command
  }

  func nextID() -> RequestID {
    sendCount += 1
    return RequestID(json: "\(sendCount)")
  }

  private func command(_ cid: String, _ sent: Sent) -> Command {
    var send = Command.Send(
      id: id(of: cid), clientID: cid, to: sent.to, body: sent.body, reference: sent.target)
    send.kind = sent.kind
    return .send(send)
  }
}
