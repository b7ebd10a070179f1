import Bytes
import ChatProtocol
import Foundation
import Testing

private func encoded(_ event: Event) -> String {
  var buffer = ByteBuffer(minimumCapacity: 16)
  event.encode(into: &buffer)
  return String(decoding: buffer.bytes, as: UTF8.self)
}

private let alice = UserID("alice")!
private let bob = UserID("bob")!

private func message(_ sequence: UInt64, reference: UInt64? = nil) -> Message {
  Message(
    conversation: ConversationID(direct: alice, bob), sequence: sequence, sender: alice,
    clientID: "c-\(sequence)", timestamp: 1_767_222_222_123,
    body: Array(#"{"text" : "h\u00e9"}"#.utf8), reference: reference)
}

@Suite struct EventEncodingTests {
  @Test func `writes every frame as the protocol names it`() {
    let summary = ConversationSummary(
      address: .room("general"), head: 19, received: 17, read: 15, unread: 2)
    let id = RequestID(json: #""r\n1""#)
    let table: [(Event, String)] = [
      (
        .ready(
          Event.Ready(
            id: RequestID(json: "1"), user: alice, device: "web-7f3a", session: "s8k2",
            node: "server1", pingMilliseconds: 25_000, conversations: [summary],
            limits: Event.Limits(frameBytes: 65_536, textBytes: 16_384, sendsPerMinute: 200))),
        ##"{"type":"ready","id":1,"user":"@alice","device":"web-7f3a","session":"s8k2","##
          + ##""node":"server1","ping_ms":25000,"conversations":[{"conv":"#general","##
          + ##""head":19,"recv":17,"read":15,"unread":2}],"##
          + ##""limits":{"frame":65536,"text":16384,"send_per_min":200}}"##
      ),
      (
        .ack(
          Event.Ack(
            id: id, clientID: "c", conversation: .user(bob), sequence: 18, timestamp: 5,
            isDuplicate: true)),
        #"{"type":"ack","id":"r\n1","cid":"c","conv":"@bob","seq":18,"ts":5,"dup":true}"#
      ),
      (
        .message(message(18, reference: 17), conversation: .user(alice)),
        #"{"type":"msg","conv":"@alice","seq":18,"from":"@alice","cid":"c-18","#
          + #""ts":1767222222123,"body":{"text" : "h\u00e9"},"reply_to":17}"#
      ),
      (
        .page(nil, conversation: .user(alice), items: [message(1)], more: true),
        #"{"type":"page","conv":"@alice","items":[{"seq":1,"from":"@alice","cid":"c-1","#
          + #""ts":1767222222123,"body":{"text" : "h\u00e9"}}],"more":true}"#
      ),
      (
        .page(id, conversation: .user(alice), items: [], more: false),
        #"{"type":"page","id":"r\n1","conv":"@alice","items":[],"more":false}"#
      ),
      (
        .conversations(nil, [summary, summary]),
        ##"{"type":"conversations","items":["##
          + ##"{"conv":"#general","head":19,"recv":17,"read":15,"unread":2},"##
          + ##"{"conv":"#general","head":19,"recv":17,"read":15,"unread":2}]}"##
      ),
      (.pong(nil), #"{"type":"pong"}"#),
      (.pong(RequestID(json: "-1.5e3")), #"{"type":"pong","id":-1.5e3}"#),
      (
        .gap(conversation: .user(alice), after: 17, before: 120),
        #"{"type":"gap","conv":"@alice","after":17,"before":120}"#
      ),
      (
        .gap(conversation: .user(alice), after: 0, before: 5, .removal),
        #"{"type":"gap","conv":"@alice","after":0,"before":5,"removed":true}"#
      ),
      (
        .error(id, .rateLimited, message: "slow \"down\"", retryAfterMilliseconds: 800),
        #"{"type":"error","id":"r\n1","code":"rate_limited","message":"slow \"down\"","#
          + #""retryable":true,"retry_after_ms":800}"#
      ),
      (
        .error(nil, .badRequest, message: "no", retryAfterMilliseconds: nil),
        #"{"type":"error","code":"bad_request","message":"no","retryable":false}"#
      ),
      (.reconnect(afterMilliseconds: 1_500), #"{"type":"reconnect","after_ms":1500}"#),
    ]
    for (event, expected) in table { #expect(encoded(event) == expected) }
  }

  @Test func `escapes every character that must be`() throws {
    let text = String(String.UnicodeScalarView((0..<0x180).compactMap(Unicode.Scalar.init)))
    let hostile = text + "\u{2028}😀</script>"
    let frame = encoded(.error(nil, .internal, message: hostile, retryAfterMilliseconds: nil))
    let tree = try JSONSerialization.jsonObject(with: Data(frame.utf8)) as? [String: Any]
    #expect(tree?["message"] as? String == hostile)
  }

  @Test func `writes the numbers at the edges`() throws {
    var last = message((1 << 53) - 1)
    last.timestamp = -1
    let frame = encoded(.message(last, conversation: .user(alice)))
    let tree = try #require(
      try JSONSerialization.jsonObject(with: Data(frame.utf8)) as? [String: Any])
    #expect((tree["seq"] as? NSNumber)?.uint64Value == (1 << 53) - 1)
    #expect((tree["ts"] as? NSNumber)?.int64Value == -1)
  }

  /// As many rooms as a list has, each with as long a name and topic as can be.
  private static let longRooms: [ConversationSummary] = (0..<4_096).map { index in
    let name = String(repeating: "x", count: 60) + String(format: "%04d", index)
    let most = UInt64(1) << 53 - 1
    return ConversationSummary(
      address: .room(name), head: most, received: most, read: most, unread: 200,
      room: RoomSummary(
        role: .moderator, since: most, joined: most, memberCount: 10_000,
        settings: RoomSettings(
          name: String(repeating: #"\"#, count: RoomSettings.nameBytesMax),
          topic: String(repeating: #"\"#, count: RoomSettings.topicBytesMax), retainDays: 3_650)))
  }

  @Test func `thousands of rooms with long names and topics stay far below what may be pending`()
    throws
  {
    let ready = Event.Ready(
      id: nil, user: alice, device: "d1", session: "s1", node: "server1", pingMilliseconds: 25_000,
      conversations: Self.longRooms,
      limits: Event.Limits(frameBytes: 65_536, textBytes: 16_384, sendsPerMinute: 200))
    let conversations = Event.conversations(nil, Self.longRooms)
    for (event, key) in [(Event.ready(ready), "conversations"), (conversations, "items")] {
      let text = encoded(event)
      #expect(text.utf8.count < 4 * 1_048_576)
      let frame = try #require(
        JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      try checkLongRooms(frame[key], room: "conv", topic: "topic") { "#\($0)" }
    }
  }

  @Test func `thousands of rooms are as short in Spring's form`() throws {
    var buffer = ByteBuffer(minimumCapacity: 16)
    SpringAnswer.rooms.encode(.conversations(nil, Self.longRooms), into: &buffer)
    #expect(buffer.count < 4 * 1_048_576)
    let list = try JSONSerialization.jsonObject(with: Data(buffer.bytes))
    try checkLongRooms(list, room: "roomId", topic: "description") { $0 }
  }

  /// All rooms are there, and the first of them with what they are called.
  private func checkLongRooms(
    _ list: Any?, room: String, topic: String, _ address: (String) -> String
  ) throws {
    let items = try #require(list as? [[String: Any]])
    #expect(items.count == Self.longRooms.count)
    let named = items.prefix(while: { $0["name"] != nil })
    #expect(named.count > 400)
    for (item, summary) in zip(items, Self.longRooms) {
      guard case .room(let name) = summary.address else { return }
      #expect(item[room] as? String == address(name))
    }
    for item in named { #expect((item[topic] as? String)?.count == RoomSettings.topicBytesMax) }
    for item in items[named.count...] { #expect(item["name"] == nil && item[topic] == nil) }
  }
}
