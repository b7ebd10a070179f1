import Bytes
import HTTP1
import ReferenceJSON
import SockJS

/// Requests to a service with every transport: what is answered is safe to write, and the messages
/// of a body come back the same over each way to the client.
func fuzzSockJS(_ input: UnsafeRawBufferPointer) {
  var parser = RequestParser()
  var offset = 0
  guard case .head(let head)? = try? parser.next(in: input, at: &offset, limits: RequestLimits())
  else { return }
  var service = SockJSService(scriptURL: "/sockjs.js")
  service.transports = Set(SockJSTransport.allCases)
  service.needsCookie = true
  switch service.action(for: head, suffix: head.target.path[...], entropy: { 7 }) {
  case .respond(let response):
    claimSafe(response)
  case .upgrade:
    claim(head.method == .get, "an upgrade is a GET")
  case .receive(let receive):
    claimSafe(receive.fields)
    claim(!receive.session.isEmpty && !receive.session.contains("."), "a session has a name")
    checkCallback(receive.receiver)
  case .send(let send):
    claimSafe(send.accepted)
    claimSafe(send.unknownSession)
    let body = UnsafeRawBufferPointer(rebasing: input[offset...])
    do throws(SockJSPayloadError) {
      _ = try SockJSPayload(
        body, contentType: send.contentType, over: send.transport, limits: limits)
    } catch {
      claimSafe(send.refused(error))
    }
  }
}

/// Bodies of each transport that sends, held against a second reader of JSON.
func fuzzSockJSPayload(_ input: UnsafeRawBufferPointer) {
  let expected = Expected(input)
  for transport in [SockJSTransport.xhrSend, .jsonpSend, .websocket] {
    let decoded = decode(input, over: transport)
    switch (decoded, expected) {
    case (.success(let messages), .messages(let expected)):
      claimEqual(expected, messages, "the messages over \(transport)")
      checkFrames(of: messages)
    case (.success(let messages), .message(let message)):
      claim(transport == .websocket, "a lone string is a payload of a WebSocket alone")
      claimEqual([message], messages, "the message")
    case (.success(let messages), .empty):
      claim(transport == .websocket && messages.isEmpty, "nothing is no payload of a request")
    case (.success, .other):
      fatalError("only the server takes this over \(transport)")
    case (.failure(.tooLarge), _):
      break
    case (.failure(let error), .messages):
      fatalError("\(error), but these are messages")
    case (.failure, .message), (.failure, .empty):
      claim(transport != .websocket, "it is a payload of a WebSocket")
    case (.failure, .other):
      break
    }
  }
  _ = decode(input, over: .jsonpSend, contentType: "application/x-www-form-urlencoded")
}

private let limits = {
  var limits = SockJSLimits()
  limits.payloadBytesMax = 2_048
  limits.messagesMax = 16
  return limits
}()

// MARK: - Payloads

private enum Expected {
  case messages([[UInt8]])
  case message([UInt8])
  case empty
  case other

  init(_ input: UnsafeRawBufferPointer) {
    guard !input.isEmpty else {
      self = .empty
      return
    }
    self = .other
    guard String(validating: input, as: UTF8.self) != nil else { return }
    switch try? JSONText(Array(input)).value {
    case .string(let message): self = .message(Array(message))
    case .array(let elements):
      let messages = elements.compactMap { $0.utf8.map(Array.init) }
      if messages.count == elements.count { self = .messages(messages) }
    default: break
    }
  }
}

private func decode(
  _ body: UnsafeRawBufferPointer, over transport: SockJSTransport, contentType: String? = nil
) -> Result<[[UInt8]], SockJSPayloadError> {
  do throws(SockJSPayloadError) {
    let payload = try SockJSPayload(
      body, contentType: contentType, over: transport, limits: limits)
    var messages: [[UInt8]] = []
    func append(_ message: UnsafeRawBufferPointer) { messages.append(Array(message)) }
    payload.withEach(append)
    claim(messages.count == payload.count && messages.count <= limits.messagesMax, "their number")
    claim(
      messages.allSatisfy { String(validating: $0, as: UTF8.self) != nil }, "messages are UTF-8")
    return .success(messages)
  } catch {
    return .failure(error)
  }
}

// MARK: - Frames

/// Sends messages to a client of each kind, and undoes what was done to them on the way.
private func checkFrames(of messages: [[UInt8]]) {
  guard let callback = SockJSCallback("a.b") else { return }
  for receiver in [.xhr, .xhrStreaming, .eventSource, .htmlFile(callback), .jsonp(callback)]
    as [SockJSReceiver]
  {
    var session = SockJSSessionState(receiver, limits: limits)
    var buffer = ByteBuffer()
    claim(session.next(into: &buffer) != nil, "a new session says that it is open")
    session.confirmed()
    if !session.hasReceiver { claim(session.attach(receiver) == .attached, "it may come again") }
    for message in messages { message.withUnsafeBytes { session.enqueue($0) } }
    buffer.removeAll()
    guard session.next(into: &buffer) != nil else {
      claim(messages.isEmpty, "what is queued goes out")
      continue
    }
    let frame = unwrapped(buffer.bytes, by: receiver)
    claim(frame.first == UInt8(ascii: "a"), "messages are framed as such")
    let array = try? JSONText(Array(frame.dropFirst())).array(\.utf8)
    claimEqual(array, messages.map { $0[...] }, "the messages over \(receiver)")
  }
}

/// What the client's script gets of a frame.
private func unwrapped(_ bytes: UnsafeRawBufferPointer, by receiver: SockJSReceiver) -> [UInt8] {
  let content: [UInt8]
  switch receiver {
  case .xhr, .xhrStreaming: content = inside(bytes, "", "\n")
  case .eventSource: content = inside(bytes, "data: ", "\r\n\r\n")
  case .htmlFile: content = inside(bytes, "<script>\np(", ");\n</script>\r\n")
  case .jsonp(let callback): content = inside(bytes, "/**/\(callback.name)(", ");\r\n")
  }
  claim(!content.contains { $0 < 0x20 }, "a frame holds no control character")
  switch receiver {
  case .xhr, .xhrStreaming:
    return content
  case .eventSource:
    return percentSignsDecoded(content)
  case .htmlFile, .jsonp:
    claim(!content.contains(UInt8(ascii: "<")), "nothing in a frame ends the script")
    guard let frame = try? JSONText(content).utf8 else {
      fatalError("a frame is no string of a script: \(String(decoding: content, as: UTF8.self))")
    }
    return Array(frame)
  }
}

private func inside(_ bytes: UnsafeRawBufferPointer, _ start: String, _ end: String) -> [UInt8] {
  claim(
    bytes.starts(with: start.utf8) && bytes.reversed().starts(with: end.utf8.reversed()),
    "a frame is wrapped")
  return Array(bytes.dropFirst(start.utf8.count).dropLast(end.utf8.count))
}

/// As `decodeURI` reads them; that of a browser throws on any other escape.
private func percentSignsDecoded(_ text: [UInt8]) -> [UInt8] {
  let parts = text.split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
  for part in parts.dropFirst() { claim(part.starts(with: "25".utf8), "no other escape is in it") }
  let rest = parts.dropFirst().map { $0.dropFirst(2) }
  return Array((parts.prefix(1) + rest).joined(separator: "%".utf8))
}

// MARK: - Responses

private func claimSafe(_ response: SockJSResponse) {
  claimSafe(response.fields)
}

/// A header cannot be ended by what a client wrote into its own.
private func claimSafe(_ fields: [ResponseField]) {
  for field in fields {
    claim(
      !field.value.utf8.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F },
      "a field holds no control character")
  }
}

private func checkCallback(_ receiver: SockJSReceiver) {
  switch receiver {
  case .htmlFile(let callback), .jsonp(let callback):
    claim(1...SockJSCallback.bytesMax ~= callback.name.utf8.count, "a callback has a limit")
    for byte in callback.name.utf8 {
      claim(
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "_.-".utf8.contains(byte),
        "a callback is a plain name")
    }
  case .xhr, .xhrStreaming, .eventSource: break
  }
}
