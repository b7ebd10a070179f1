import Bytes
import Foundation
import Testing

@testable import ChatProtocol

@Suite struct SpringMessageTests {
  private func json(_ encode: (inout ByteBuffer) -> Void) throws -> [String: Any] {
    var buffer = ByteBuffer()
    encode(&buffer)
    let document = try JSONSerialization.jsonObject(with: Data(buffer.bytes))
    return try #require(document as? [String: Any])
  }

  private func json(of message: Message) throws -> [String: Any] {
    var isWritten = false
    let read = try json { isWritten = SpringMessage.encode(message, into: &$0) }
    #expect(isWritten)
    return read
  }

  private func message(_ body: String, from sender: String = "bob") throws -> Message {
    let alice = try #require(UserID("alice"))
    let bob = try #require(UserID("bob"))
    return Message(
      conversation: ConversationID(direct: alice, bob), sequence: 7,
      sender: sender == "bob" ? bob : alice, clientID: "c\"1", timestamp: 1_767_222_222_123,
      body: Array(body.utf8), reference: nil)
  }

  @Test func `a message has all that a page looks for`() throws {
    let message = try message(#"{"text":"hi \"é\"","attachmentUrl":"/f"}"#)
    let read = try json(of: message)
    let strings = [
      "id": "alice:bob:7", "sender": "bob", "receiver": "alice", "content": "hi \"é\"",
      "type": "CHAT", "timestamp": "2025-12-31T23:03:42.123Z", "senderId": "bob",
      "receiverId": "alice", "status": "SENT", "attachmentUrl": "/f", "messageId": "c\"1",
    ]
    for (name, value) in strings { #expect(read[name] as? String == value, "\(name)") }
    #expect(read["roomId"] is NSNull)
    #expect(read["seq"] as? Int == 7)
    #expect(read.count == strings.count + 2)
  }

  @Test func `the receiver is the other, whoever reads`() throws {
    let message = try message(#"{"text":"hi"}"#, from: "alice")
    let read = try json(of: message)
    #expect(read["receiver"] as? String == "bob")
    #expect(read["attachmentUrl"] is NSNull)
  }

  @Test(arguments: [#"{"sticker":"cat \"x\""}"#, "{}", #"{"nested":{"text":"hi"}}"#])
  func `a body without a text is shown as it is`(body: String) throws {
    let message = try message(body)
    #expect(try json(of: message)["content"] as? String == body)
  }

  @Test func `errors name their code twice, and when to try again`() throws {
    let error = try json {
      SpringMessage.encode(.rateLimited, "slowly", retryAfterMilliseconds: 1_001, into: &$0)
    }
    #expect(error["code"] as? String == "rate_limited")
    #expect(error["errorCode"] as? String == "rate_limited")
    #expect(error["message"] as? String == "slowly")
    #expect(error["retryAfterSeconds"] as? Int == 2)
    let other = try json {
      SpringMessage.encode(.notFound, "no", retryAfterMilliseconds: nil, into: &$0)
    }
    #expect(other["retryAfterSeconds"] == nil)
  }

  @Test func `a gap says where it is`() throws {
    let bob = try #require(UserID("bob"))
    let gap = try json {
      SpringMessage.encodeGap(in: .user(bob), after: 3, before: 9, into: &$0)
    }
    #expect(gap["code"] as? String == "gap")
    #expect(gap["conversation"] as? String == "bob")
    #expect(gap["after"] as? Int == 3)
    #expect(gap["before"] as? Int == 9)
  }

  @Test func `times are those of the calendar`() {
    let oracle = ISO8601DateFormatter()
    oracle.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    let day: Int64 = 86_400_000
    // 1852 to 2199, over the leap years and the century that is none.
    for timestamp in stride(from: -43_000 * day, to: 84_000 * day, by: 7 * Int(day) + 12_345_678) {
      var buffer = ByteBuffer()
      buffer.append(dateTime: timestamp)
      let date = Date(timeIntervalSince1970: Double(timestamp) / 1000)
      let read = oracle.date(from: String(decoding: buffer.bytes, as: UTF8.self))
      let difference = read.map { abs($0.timeIntervalSince(date)) } ?? .infinity
      #expect(difference < 0.001, "\(timestamp)")
    }
  }
}
