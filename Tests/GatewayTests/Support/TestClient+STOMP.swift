import Foundation
import Testing
import WebSocket

/// A frame of a STOMP server.
struct STOMPFrame {
  let command: String
  let headers: [String: String]
  let body: String

  /// The body as JSON.
  var json: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
  }

  /// Nil unless `text` is one whole frame.
  init?(_ text: String) {
    guard text.last == "\0", let end = text.firstRange(of: "\n\n") else { return nil }
    let lines = text[..<end.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)
    command = String(lines[0])
    headers = Dictionary(
      uniqueKeysWithValues: lines.dropFirst().map { line in
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), String(parts[1]))
      })
    body = String(text[end.upperBound...].dropLast())
  }
}

extension TestClient {
  /// A STOMP client that is connected and listens to its messages, and to errors.
  static func stomp(
    _ user: String, to server: TestServer, version: String = "1.2", subscribe: String = ""
  ) -> TestClient {
    let client = TestClient(to: server)
    #expect(client.open("/ws-chat")?.status == 101)
    client.stomp("CONNECT\naccept-version:\(version)\nlogin:\(user)\n\n")
    #expect(client.nextSTOMP("CONNECTED")?.headers["user-name"] == user)
    client.stomp("SUBSCRIBE\nid:m\ndestination:/user/queue/messages\n\(subscribe)\n")
    client.stomp("SUBSCRIBE\nid:e\ndestination:/user/queue/errors\nreceipt:subscribed\n\n")
    #expect(client.nextSTOMP("RECEIPT") != nil)
    return client
  }

  /// Sends a frame, without its NUL.
  func stomp(_ text: String) { send(frame(.text, text + "\0")) }

  /// Sends a message; `headers` are lines.
  func say(_ text: String, to user: String, _ headers: String = "") {
    stomp(
      "SEND\ndestination:/app/chat.sendMessage\n\(headers)\n"
        + #"{"receiver":"\#(user)","content":"\#(text)"}"#)
  }

  /// The next frame, which must be of this command.
  func nextSTOMP(_ command: String) -> STOMPFrame? {
    guard let frame = nextFrame(), frame.hasPrefix("text "),
      let stomp = STOMPFrame(String(frame.dropFirst(5))), stomp.command == command
    else {
      Issue.record("expected \(command)")
      return nil
    }
    return stomp
  }
}
