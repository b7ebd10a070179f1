import ChatProtocol
import Foundation
import Testing

/// The scanner held against Foundation's parser, on documents made at random and then broken.
@Suite struct JSONOracleTests {
  private static let seeds = [UInt64](1...8)

  @Test(arguments: seeds)
  func `accepts every frame that was made at random`(seed: UInt64) throws {
    var generator = DocumentGenerator(seed: seed)
    for _ in 0..<400 {
      let document = generator.object(depth: 0)
      #expect(throws: Never.self, "\(document)") {
        try decode(#"{"type":"ping","x":\#(document)}"#)
      }
    }
  }

  @Test(arguments: seeds)
  func `agrees with Foundation on broken frames`(seed: UInt64) {
    var generator = DocumentGenerator(seed: seed)
    for _ in 0..<1_500 {
      let frame = #"{"type":"ping","x":\#(generator.object(depth: 0))}"#
      let broken = generator.mutated(Array(frame.utf8))
      guard let oracle = Oracle(broken) else { continue }
      let text = String(decoding: broken, as: UTF8.self)
      switch outcome(of: broken) {
      case .accepted, .wrongField:
        #expect(oracle.accepts, "seed \(seed): only the scanner accepts \(text)")
      case .notJSON:
        guard oracle.accepts else { break }
        // Foundation lets a comma stand before a closing brace, which RFC 8259 does not.
        let repaired = text.replacing(/,[ \t\r\n]*}/, with: "}")
        #expect(
          repaired != text && outcome(of: Array(repaired.utf8)) != .notJSON,
          "seed \(seed): only Foundation accepts \(text)")
      case .stricter:
        break
      }
    }
  }

  @Test(arguments: seeds)
  func `reads the fields that Foundation reads`(seed: UInt64) throws {
    var generator = DocumentGenerator(seed: seed)
    for _ in 0..<300 {
      let frame = generator.send()
      guard case .send(let send) = try decode(frame) else {
        Issue.record("no send: \(frame)")
        continue
      }
      let tree = try #require(
        try JSONSerialization.jsonObject(with: Data(frame.utf8)) as? [String: Any])
      #expect(send.content.clientID == tree["cid"] as? String)
      #expect(send.to.description == tree["to"] as? String)
      #expect(send.reference == (tree["reply_to"] as? NSNumber)?.uint64Value)
      let body = try JSONSerialization.jsonObject(with: Data(send.content.body)) as? NSDictionary
      #expect(body == tree["body"] as? NSDictionary, "\(frame)")
      let id = try send.id.map {
        try JSONSerialization.jsonObject(with: Data($0.json.utf8), options: .fragmentsAllowed)
      }
      #expect(id as? NSObject == tree["id"] as? NSObject)
    }
  }

  private enum Outcome { case accepted, wrongField, notJSON, stricter }

  /// Where the scanner is stricter on purpose: depth, keys given twice, and numbers that become
  /// infinite, which Foundation turns down or not depending on how they are written.
  private func outcome(of bytes: [UInt8]) -> Outcome {
    do {
      _ = try decode(bytes)
      return .accepted
    } catch {
      guard error.isMalformed else { return .wrongField }
      return error.message == "the frame is not well-formed JSON" ? .notJSON : .stricter
    }
  }
}

/// What Foundation says of a text that is UTF-8 without a mark at its start; of others it says
/// more than RFC 8259 asks for, and a WebSocket never hands them on.
private struct Oracle {
  let accepts: Bool

  init?(_ bytes: [UInt8]) {
    guard String(validating: bytes, as: UTF8.self) != nil, bytes.count > 3 else { return nil }
    // Foundation guesses UTF-16 and UTF-32 from zeros among the first four bytes.
    guard !bytes[..<4].contains(0), !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else { return nil }
    accepts = (try? JSONSerialization.jsonObject(with: Data(bytes))) is [String: Any]
  }
}
