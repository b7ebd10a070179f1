import Reactor
import TestServers
import Testing

@testable import TLS

@Suite struct TLSSessionTests {
  private static func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  }

  @Test(arguments: [Int.max, 1, 2, 3, 5, 7, 100, 1_000])
  func `two sessions talk, however their bytes are split`(step: Int) throws {
    let both = try Conversation()
    both.begin(step: step)
    #expect(both.client.session.isEstablished && both.server.session.isEstablished)
    let (question, answer) = (Self.bytes(100), Self.bytes(50_000))
    #expect(both.client.send(question) == nil)
    #expect(both.server.send(answer) == nil)
    both.carry(step: step)
    #expect(both.server.received == question)
    #expect(both.client.received == answer)
    #expect(both.client.failure == nil && both.server.failure == nil)
  }

  @Test func `a record cut anywhere opens once its end has come`() throws {
    let both = try Conversation()
    both.begin()
    let text = Self.bytes(40)
    for cut in 1..<(text.count + 22) {
      #expect(both.client.send(text) == nil)
      let sealed = both.client.outgoing
      both.client.outgoing = []
      let before = both.server.received.count
      both.server.receive(sealed[..<cut])
      #expect(both.server.received.count == before)
      both.server.receive(sealed[cut...])
      #expect(Array(both.server.received[before...]) == text)
    }
  }

  @Test func `the largest records open in place behind all but the end of one`() throws {
    let both = try Conversation()
    both.begin()
    let text = Self.bytes(14 * 16_384)
    #expect(both.client.send(text) == nil)
    let sealed = both.client.outgoing
    let first = 16_384 + 21
    both.server.receive(sealed[..<first])
    #expect(both.server.received.isEmpty)
    both.server.receive(sealed[first...])
    #expect(both.server.received == text)
  }

  @Test func `what was sent before the last word is received before the end`() throws {
    let both = try Conversation()
    both.begin()
    #expect(both.client.send([1, 2, 3]) == nil)
    both.client.finish()
    both.carry()
    #expect(both.server.received == [1, 2, 3])
    #expect(both.server.hasEnded)
    #expect(both.server.failure == nil)
  }

  @Test func `one side may go on when the other has said its last word`() throws {
    let both = try Conversation()
    both.begin()
    both.client.finish()
    both.carry()
    #expect(both.server.send([4, 5]) == nil)
    both.server.finish()
    both.carry()
    #expect(both.client.received == [4, 5])
    #expect(both.client.hasEnded)
  }

  @Test func `the last word is said once and not before there was a first`() throws {
    let both = try Conversation()
    both.client.finish()
    #expect(both.client.outgoing.isEmpty)
    both.begin()
    both.client.finish()
    let count = both.client.outgoing.count
    both.client.finish()
    #expect(count > 0 && both.client.outgoing.count == count)
  }

  // MARK: Whom a client believes

  @Test func `a name and a numeric address are both checked`() throws {
    for host in ["localhost", "127.0.0.1"] {
      let both = try Conversation(host: host)
      both.begin()
      #expect(both.client.session.isEstablished, "\(host)")
    }
    for host in ["example.org", "127.0.0.2", "localhost.example", "ocalhost"] {
      let both = try Conversation(host: host)
      both.begin()
      #expect(both.client.failure == TLSFailure.wrongName.description, "\(host)")
      #expect(!both.client.session.isEstablished && !both.server.session.isEstablished)
      #expect(both.server.failure == TLSFailure.refused.description)
    }
  }

  @Test func `the subject of a certificate is no name of its host`() throws {
    let others = try TestCertificates()
    let unnamed = try others.make("localhost", for: "IP:192.0.2.1")
    let both = try Conversation(
      server: .server(unnamed), client: TLSContext(trusting: .file(others.authority)))
    both.begin()
    #expect(both.client.failure == TLSFailure.wrongName.description)
  }

  @Test func `a certificate of another authority is refused`() throws {
    let others = try TestCertificates()
    let both = try Conversation(server: .server(try others.make("localhost")))
    both.begin()
    #expect(both.client.failure == TLSFailure.unknownAuthority.description)
  }

  @Test func `the system's authorities do not include the tests'`() throws {
    let both = try Conversation(client: TLSContext(trusting: .system))
    both.begin()
    #expect(both.client.failure == TLSFailure.unknownAuthority.description)
  }

  @Test func `a certificate that has ended is refused`() throws {
    let ended = try Certificates.all.make("ended", days: -1)
    let both = try Conversation(server: .server(ended))
    both.begin()
    #expect(both.client.failure == TLSFailure.expiredCertificate.description)
  }

  // MARK: Hostile bytes

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", TLSFailure.notTLS),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .notTLS), (String(repeating: "~", count: 64), .notTLS),
    ("\u{16}\u{3}\u{1}\u{0}\u{5}\u{1}\u{0}\u{0}\u{1}\u{0}", .broken),
  ])
  func `what is no TLS is refused and answered with an alert at most`(
    text: String, failure: TLSFailure
  ) throws {
    let both = try Conversation()
    both.server.receive(Array(text.utf8))
    #expect(both.server.failure == failure.description)
    #expect(both.server.outgoing.count <= 7)
    both.server.receive(Array(text.utf8))
    #expect(both.server.failure == failure.description)
  }

  @Test func `a flipped bit in any byte of a record ends the connection`() throws {
    let context = try TLSContext.server(Certificates.localhost)
    for index in 0..<62 {
      let both = try Conversation(server: context)
      both.begin()
      #expect(both.client.send(Self.bytes(40)) == nil)
      both.client.outgoing[index] ^= 0x40
      both.server.receive(both.client.outgoing)
      // A length that grew asks for more first.
      if both.server.failure == nil { both.server.receive(Self.bytes(17_000)) }
      #expect(both.server.received.isEmpty)
      #expect(both.server.failure != nil, "byte \(index)")
    }
  }

  @Test func `a random beginning never passes`() throws {
    var generator = SystemRandomNumberGenerator()
    let context = try TLSContext.server(Certificates.localhost)
    for _ in 0..<500 {
      let both = try Conversation(server: context)
      var noise = (0..<Int.random(in: 1...600)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      if Bool.random() { noise.replaceSubrange(0..<min(3, noise.count), with: [22, 3, 1]) }
      both.server.receive(noise)
      #expect(!both.server.session.isEstablished && both.server.received.isEmpty)
    }
  }

  @Test func `a handshake that is cut short does not establish anything`() throws {
    let both = try Conversation()
    both.client.start()
    let hello = both.client.outgoing
    for count in 0..<hello.count {
      let server = Side(TLSSession(server: try .server(Certificates.localhost))!)
      server.receive(hello[..<count])
      #expect(!server.session.isEstablished && server.failure == nil && server.outgoing.isEmpty)
      if count > 20 { break }
    }
  }
}
