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
}
