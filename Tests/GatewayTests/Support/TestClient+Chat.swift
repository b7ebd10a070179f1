import Foundation
import Testing

extension TestClient {
  /// A chat.v1 client that has said hello.
  static func joined(_ user: String, to server: TestServer) -> TestClient {
    let client = TestClient(to: server)
    #expect(client.open("/ws?user=\(user)")?.status == 101)
    #expect(client.nextEvent("ready")?["user"] as? String == "@\(user)")
    return client
  }

  /// The next event of chat.v1, which must be of this type.
  func nextEvent(_ type: String) -> [String: Any]? {
    guard let frame = nextFrame(), frame.hasPrefix("text ") else { return nil }
    let document = try? JSONSerialization.jsonObject(with: Data(frame.dropFirst(5).utf8))
    guard let event = document as? [String: Any], event["type"] as? String == type else {
      Issue.record("expected \(type), got \(frame)")
      return nil
    }
    return event
  }
}
