import COpenSSL
import Testing

@testable import TLS

@Suite struct HelloGuardTests {
  private static func record(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
    [type, 3, 3, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
  }

  /// The header of a handshake message.
  private static func header(_ type: UInt8, _ length: Int) -> [UInt8] {
    [type, UInt8(length >> 16), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
  }

  private static let longest = HelloGuard.helloBytesMax
  private static let longHello = header(1, longest + 1)

  /// How many bytes are taken until it refuses; nil when it takes all.
  private func refusal(of bytes: [UInt8], step: Int) -> Int? {
    var helloGuard = HelloGuard()
    for start in stride(from: 0, to: bytes.count, by: step) {
      let part = Array(bytes[start..<min(start + step, bytes.count)])
      if !part.withUnsafeBytes({ helloGuard.accepts($0) }) { return start + part.count }
    }
    return nil
  }

  @Test(arguments: [
    record(22, longHello), record(22, [1]) + record(22, [0]) + record(22, [0x40, 1]),
    record(22, []) + record(22, longHello), record(21, [1, 0]) + record(22, longHello),
    record(22, [1, 0]) + record(20, [1]) + record(22, [0xFF, 0xFF]),
    record(22, header(1, 2) + [9, 9] + longHello),
    record(22, header(1, 2) + [9]) + record(23, Array(repeating: 22, count: 300))
      + record(22, [9] + longHello),
  ])
  func `refuses a long hello with its header's last byte`(bytes: [UInt8]) {
    let rest = Array(repeating: UInt8(22), count: 20)
    for step in 1...bytes.count { #expect(refusal(of: bytes + rest, step: step) != nil) }
    #expect(refusal(of: bytes + rest, step: 1) == bytes.count)
    #expect(refusal(of: bytes.dropLast(), step: 1) == nil)
  }

  @Test(arguments: [
    record(22, header(1, longest) + Array(repeating: 1, count: 16_000))
      + record(22, Array(repeating: 1, count: longest - 16_000)),
    record(22, header(16, 0xFF_FFFF)), record(23, longHello), record(20, longHello),
    record(22, header(1, 4) + longHello), Array("GET / HTTP/1.1\r\n\r\n".utf8),
  ])
  func `leaves all else to OpenSSL`(bytes: [UInt8]) {
    for step in [1, 2, 3, 7, bytes.count] { #expect(refusal(of: bytes, step: step) == nil) }
  }

  // MARK: In a session

  @Test func `a session refuses without an answer, and for good`() throws {
    let both = try Conversation()
    both.server.receive(Self.record(22, Self.longHello))
    #expect(both.server.failure == TLSFailure.longHello.description)
    #expect(both.server.session.failure == .longHello)
    #expect(both.server.outgoing.isEmpty)
    both.client.start()
    both.carry()
    #expect(!both.server.session.isEstablished)
  }

  /// A client that has to be told which group to use, and so says hello twice.
  private func hesitantClient() throws -> TLSContext {
    let context = try TLSContext.client()
    #expect(copenssl_ctx_set1_groups_list(context.handle, "P-521:X25519") == 1)
    return context
  }

  @Test(arguments: [Int.max, 1, 5, 100])
  func `a second hello passes`(step: Int) throws {
    let both = try Conversation(client: hesitantClient())
    both.begin(step: step)
    #expect(both.client.session.isEstablished && both.server.session.isEstablished)
  }

  @Test func `a second hello that is long is refused`() throws {
    let both = try Conversation(client: hesitantClient())
    both.client.start()
    both.server.receive(both.client.outgoing)
    #expect(both.server.failure == nil && !both.server.outgoing.isEmpty)
    both.server.receive(Self.record(20, [1]) + Self.record(22, Self.longHello))
    #expect(both.server.failure == TLSFailure.longHello.description)
  }

  @Test(arguments: [Int.max, 1, 5, 100])
  func `in TLS 1.2 nothing is looked at behind the hello`(step: Int) throws {
    let context = try TLSContext.client()
    #expect(copenssl_ctx_set_protocols(context.handle, TLS1_2_VERSION, TLS1_2_VERSION) == 1)
    let both = try Conversation(client: context)
    both.begin(step: step)
    #expect(both.client.session.isEstablished && both.server.session.isEstablished)
    let cut = try Conversation(client: context)
    cut.client.start()
    cut.server.receive(cut.client.outgoing)
    cut.server.receive(Self.record(22, Self.longHello))
    #expect(cut.server.failure == TLSFailure.broken.description)
  }
}
