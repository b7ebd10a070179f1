import Bytes
import ChatProtocol
import ReferenceJSON

/// A client's frame: taken or refused as a second reader of JSON says, with the fields that it
/// finds; and what is answered can be read by it.
func fuzzCommands(_ input: UnsafeRawBufferPointer) {
  var names = NameCache()
  let outcome = decode(input, &names)
  // A transport hands on UTF-8 alone. Of other bytes nothing is claimed but that they do no harm.
  guard String(validating: input, as: UTF8.self) != nil else { return }
  claimEqual(outcome, decode(input, &names), "the outcome with names that were seen before")
  let document = Result { () throws(JSONText.Failure) in try JSONText(Array(input)) }
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
  _ error: CommandError, against document: Result<JSONText, JSONText.Failure>
) {
  guard case .success(let document) = document, case .object = document.value else {
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

private func check(_ command: Command, against document: JSONText) {
  switch command {
  case .send(let send):
    check(send.id, against: document)
    claimEqual(document["cid"]?.utf8, bytes(send.content.clientID), "the cid")
    claimEqual(document["to"]?.utf8, bytes(send.to.description), "the conversation")
    checkEntry(send, against: document)
  case .hello(let hello):
    check(hello.id, against: document)
    claimEqual(document["token"]?.utf8, hello.token.map(bytes), "the token")
    claimEqual(document["device"]?.utf8, hello.device.map(bytes), "the device")
    if case .object(let heads)? = document["resume"]?.value {
      for head in heads {
        let address = Address(String(decoding: head.key, as: UTF8.self))
        claimEqual(
          number(head.value), address.flatMap { hello.resume[$0] }, "a conversation's head")
      }
    }
  case .history(let history):
    check(history.id, against: document)
    claim(1...Command.History.limitMax ~= history.limit, "the limit is in its range")
    claimEqual(document["to"]?.utf8, bytes(history.to.description), "the conversation")
  case .conversations(let id), .ping(let id):
    check(id, against: document)
  case .mark(let mark):
    check(mark.id, against: document)
    claimEqual(number(document["seq"]), mark.received, "how far it is received")
    claim(mark.read == 0 || mark.read == mark.received, "what is read is received")
  case .typing(let to):
    claimEqual(document["to"]?.utf8, bytes(to.description), "the conversation")
  case .setPresence(let id, let state):
    check(id, against: document)
    claimEqual(document["state"]?.utf8, bytes(state.name), "the state")
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
    claim(document["type"]?.utf8?.starts(with: type.utf8.prefix(60)) == true, "the type")
  }
}

private func checkEntry(_ send: Command.Send, against document: JSONText) {
  let body = reread(send.content.body)
  let field = send.kind == .message ? "reply_to" : "target"
  claimEqual(number(document[field]), send.reference, "the entry that this is about")
  switch send.kind {
  case .message, .edit: claimEqual(document["body"], body, "the body")
  case .delete: claimEqual(body?.value, .object([]), "the body of a deletion")
  case .react: claimEqual(body?["emoji"], document["emoji"], "the reaction")
  case .room: claim(false, "no frame is this")
  }
}

/// What a change of a room says in the room's log is what it does.
private func check(_ change: RoomChange, against document: JSONText) {
  let body = change.body
  claim(
    body.withUnsafeBytes { RoomChange(body: $0) } == change, "the entry says what the change is")
  guard let written = reread(body) else { return claim(false, "the body is JSON") }
  claim(!written.repeatsKeys, "the body has each key once")
  for field in ["name", "topic"] where written[field]?.utf8?.isEmpty != true {
    let asked = document[field]
    claimEqual(written[field], asked?.value == .null ? nil : asked, "the settings")
  }
}

private func count(_ value: JSONText?) -> Int? {
  guard case .array(let elements)? = value?.value else { return nil }
  return elements.count
}

private func check(_ id: RequestID?, against document: JSONText) {
  guard let written = document["id"], written.value != .null else {
    claim(id == nil, "there is no id")
    return
  }
  claimEqual(written, reread(Array((id?.json ?? "").utf8)), "the id")
}

private func reread(_ json: [UInt8]) -> JSONText? {
  try? JSONText(json)
}

private func bytes(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

private func number(_ value: JSONText?) -> UInt64? {
  try? value?.number()
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
    claimEqual(ack["cid"]?.utf8, bytes(send.content.clientID), "the cid of the ack")
    claimEqual(number(ack["seq"]), sequence, "the number of the ack")
    claimEqual(try? ack.member("ts").number(), timestamp, "the time of the ack")
    let message = Message(
      conversation: ConversationID(direct: sender, sender), sequence: sequence, sender: sender,
      content: send.content, timestamp: timestamp, kind: send.kind, reference: send.reference)
    let delivered = checkAnswer(.message(message, conversation: send.to))
    claimEqual(delivered["body"], reread(send.content.body), "the body of the message")
    claimEqual(delivered["cid"]?.utf8, bytes(send.content.clientID), "the cid of the message")
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
    claimEqual(ready["device"]?.utf8, bytes(hello.device ?? ""), "the device of the answer")
    claimEqual(ready["session"]?.utf8, bytes(hello.token ?? ""), "a string of the answer")
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
    claimEqual(error["message"]?.utf8, bytes(type), "the message of the error")
  }
}

@discardableResult
private func checkAnswer(_ event: Event) -> JSONText {
  var buffer = ByteBuffer()
  event.encode(into: &buffer)
  guard let document = try? JSONText(Array(buffer.bytes)) else {
    fatalError("an answer is no JSON: \(String(decoding: buffer.bytes, as: UTF8.self))")
  }
  claim(!document.repeatsKeys, "an answer has each key once")
  return document
}
