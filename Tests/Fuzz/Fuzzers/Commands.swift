import Bytes
import ChatProtocol

/// A client's frame: taken or refused as a second reader of JSON says, with the fields that it
/// finds; and what is answered can be read by it.
func fuzzCommands(_ input: UnsafeRawBufferPointer) {
  var names = NameCache()
  let outcome = decode(input, &names)
  // A transport hands on UTF-8 alone. Of other bytes nothing is claimed but that they do no harm.
  guard String(validating: input, as: UTF8.self) != nil else { return }
  claimEqual(outcome, decode(input, &names), "the outcome with names that were seen before")
  let document = Result { () throws(JSONDocument.Failure) in try JSONDocument(input) }
  switch outcome {
  case .success(let command):
    guard case .success(let document) = document else { fatalError("only we call this JSON") }
    claim(!document.repeatsKeys, "a key that is given twice is found")
    check(command, against: document)
    checkAnswers(to: command)
  case .failure(let error):
    check(error, against: document)
    checkAnswer(.error(error.id, error.code, message: error.message, retryAfterMilliseconds: nil))
  }
}

private func decode(
  _ input: UnsafeRawBufferPointer, _ names: inout NameCache
) -> Result<Command, CommandError> {
  do throws(CommandError) {
    return .success(try Command.decode(input, names: &names))
  } catch {
    return .failure(error)
  }
}

// MARK: - What was read

private func check(
  _ error: CommandError, against document: Result<JSONDocument, JSONDocument.Failure>
) {
  guard case .success(let document) = document, case .object = document else {
    claim(error.isMalformed, "what is no JSON object is called malformed")
    return
  }
  guard error.isMalformed else { return }
  // Where we are stricter than RFC 8259: nesting, keys given twice, and numbers beyond a Double.
  claim(error.message != "the frame is not well-formed JSON", "it is well-formed JSON")
  if error.message.contains("key") {
    claim(document.repeatsKeys, "no key is given twice")
  }
}

private func check(_ command: Command, against document: JSONDocument) {
  switch command {
  case .send(let send):
    check(send.id, against: document)
    claimEqual(document["cid"], .string(Array(send.content.clientID.utf8)), "the cid")
    claimEqual(document["to"], .string(Array(send.to.description.utf8)), "the conversation")
    checkEntry(send, against: document)
  case .hello(let hello):
    check(hello.id, against: document)
    claimEqual(text(document["token"]), hello.token, "the token")
    claimEqual(text(document["device"]), hello.device, "the device")
    if case .object(let heads) = document["resume"] {
      for (conversation, sequence) in heads {
        let address = Address(String(decoding: conversation, as: UTF8.self))
        claimEqual(number(sequence), address.flatMap { hello.resume[$0] }, "a conversation's head")
      }
    }
  case .history(let history):
    check(history.id, against: document)
    claim(1...Command.History.limitMax ~= history.limit, "the limit is in its range")
    claimEqual(document["to"], .string(Array(history.to.description.utf8)), "the conversation")
  case .conversations(let id), .ping(let id):
    check(id, against: document)
  case .mark(let mark):
    check(mark.id, against: document)
    claimEqual(number(document["seq"]), mark.received, "how far it is received")
    claim(mark.read == 0 || mark.read == mark.received, "what is read is received")
  case .typing(let to):
    claimEqual(document["to"], .string(Array(to.description.utf8)), "the conversation")
  case .setPresence(let id, let state):
    check(id, against: document)
    claimEqual(text(document["state"]), state.name, "the state")
  case .watchPresence(let id, let users):
    check(id, against: document)
    claimEqual(count(document["users"]), users.count, "the users")
  case .members(let members):
    check(members.id, against: document)
    claim(1...Command.Members.limitMax ~= members.limit, "the limit is in its range")
  case .changeRoom(let command):
    check(command.id, against: document)
    check(command.change, against: document)
  case .resume:
    claim(false, "no frame of chat.v1 is this")
  case .unknown(let id, let type):
    check(id, against: document)
    claim(text(document["type"])?.utf8.starts(with: type.utf8.prefix(60)) ?? false, "the type")
  }
}

private func checkEntry(_ send: Command.Send, against document: JSONDocument) {
  let body = reread(send.content.body)
  let field = send.kind == .message ? "reply_to" : "target"
  claimEqual(number(document[field]), send.reference, "the entry that this is about")
  switch send.kind {
  case .message, .edit: claimEqual(document["body"], body, "the body")
  case .delete: claimEqual(body, .object([]), "the body of a deletion")
  case .react: claimEqual(body?["emoji"], document["emoji"], "the reaction")
  case .room: claim(false, "no frame is this")
  }
}

/// What a change of a room says in the room's log is what it does.
private func check(_ change: RoomChange, against document: JSONDocument) {
  let body = change.body
  claim(
    body.withUnsafeBytes { RoomChange(body: $0) } == change, "the entry says what the change is")
  guard let written = reread(body) else { return claim(false, "the body is JSON") }
  claim(!written.repeatsKeys, "the body has each key once")
  for field in ["name", "topic"] where written[field] != .string([]) {
    claimEqual(written[field], document[field] == .null ? nil : document[field], "the settings")
  }
}

private func count(_ value: JSONDocument?) -> Int? {
  guard case .array(let elements) = value else { return nil }
  return elements.count
}

private func check(_ id: RequestID?, against document: JSONDocument) {
  guard let value = document["id"], value != .null else {
    claim(id == nil, "there is no id")
    return
  }
  claimEqual(value, reread(Array((id?.json ?? "").utf8)), "the id")
}

private func reread(_ json: [UInt8]) -> JSONDocument? {
  json.withUnsafeBytes { try? JSONDocument($0) }
}

private func text(_ value: JSONDocument?) -> String? {
  guard case .string(let utf8) = value else { return nil }
  return String(decoding: utf8, as: UTF8.self)
}

private func number(_ value: JSONDocument?) -> UInt64? {
  guard case .number(let digits) = value else { return nil }
  return UInt64(String(decoding: digits, as: UTF8.self))
}

// MARK: - What is answered

/// Writes each frame in which a client gets back what a client wrote.
private func checkAnswers(to command: Command) {
  switch command {
  case .send(let send):
    guard let sender = UserID("alice") else { return }
    let sequence = UInt64(send.content.bodyCount) << 40 | 1
    let timestamp = Timestamp.min / Timestamp(send.content.bodyCount + 1)
    let ack = checkAnswer(
      .ack(
        Event.Ack(
          of: send.content, conversation: send.to, sequence: sequence, timestamp: timestamp,
          isDuplicate: false)))
    check(send.id, against: ack)
    claimEqual(text(ack["cid"]), send.content.clientID, "the cid of the ack")
    claimEqual(number(ack["seq"]), sequence, "the number of the ack")
    claimEqual(ack["ts"], .number(Array("\(timestamp)".utf8)), "the time of the ack")
    let message = Message(
      conversation: ConversationID(direct: sender, sender), sequence: sequence, sender: sender,
      content: send.content, timestamp: timestamp, kind: send.kind, reference: send.reference)
    let delivered = checkAnswer(.message(message, conversation: send.to))
    claimEqual(delivered["body"], reread(send.content.body), "the body of the message")
    claimEqual(text(delivered["cid"]), send.content.clientID, "the cid of the message")
    let reference = delivered[send.kind == .message ? "reply_to" : "target"]
    claimEqual(number(reference), send.reference, "the entry that the message is about")
    let page = checkAnswer(
      .page(send.id, conversation: send.to, items: [message, message], more: true))
    check(send.id, against: page)
  case .hello(let hello):
    guard let user = hello.user ?? UserID("alice") else { return }
    let ready = checkAnswer(
      .ready(
        Event.Ready(
          id: hello.id, user: user, device: hello.device ?? "", session: hello.token ?? "",
          node: "server1", pingMilliseconds: 25_000,
          conversations: hello.resume.map {
            ConversationSummary(address: $0, head: $1, received: 0, read: 0, unread: $1)
          }, limits: Event.Limits(frameBytes: .max, textBytes: 0, sendsPerMinute: .min))))
    claimEqual(text(ready["device"]), hello.device ?? "", "the device of the answer")
    claimEqual(text(ready["session"]), hello.token ?? "", "a string of the answer")
  case .history(let history):
    checkAnswer(.page(history.id, conversation: history.to, items: [], more: false))
    checkAnswer(.gap(conversation: history.to, after: 0, before: .max))
  case .conversations(let id):
    checkAnswer(.conversations(id, []))
  case .ping(let id):
    check(id, against: checkAnswer(.pong(id)))
  case .mark(let mark):
    let marks = PeerMarks(received: mark.received, read: mark.read)
    checkAnswer(.receipt(conversation: mark.to, user: UserID("alice")!, marks))
  case .watchPresence(let id, let users):
    let states = users.map { WatchedUser($0, Presence(state: .offline, lastSeen: .min)) }
    check(id, against: checkAnswer(.watching(id, states)))
  case .members(let members):
    let items = [
      ListedMember(
        RoomMember(user: UserID("alice")!, role: .owner), PeerMarks(received: 2, read: 1))
    ]
    checkAnswer(.members(members.id, room: members.room, items: items, more: true))
  case .changeRoom(let command):
    check(command.id, against: checkAnswer(.done(command.id)))
  case .typing(let to):
    checkAnswer(.typing(conversation: to, user: UserID("alice")!))
  case .setPresence(_, let state):
    checkAnswer(.presence(UserID("alice")!, Presence(state: state)))
  case .resume:
    break
  case .unknown(let id, let type):
    let error = checkAnswer(.error(id, .unsupported, message: type, retryAfterMilliseconds: 1))
    claimEqual(text(error["message"]), type, "the message of the error")
  }
}

@discardableResult
private func checkAnswer(_ event: Event) -> JSONDocument {
  var buffer = ByteBuffer()
  event.encode(into: &buffer)
  guard let document = try? JSONDocument(buffer.bytes) else {
    fatalError("an answer is no JSON: \(String(decoding: buffer.bytes, as: UTF8.self))")
  }
  claim(!document.repeatsKeys, "an answer has each key once")
  return document
}
