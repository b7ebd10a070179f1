import Bytes
import CLinux
import Glibc
import Reactor
import TestKernel
import TestServers
import Testing

@testable import TLS

/// One end of a socket pair on a loop.
private final class End: EventHandler {
  // A socket needs its loop until it is closed.
  private let loop: EventLoop
  var socket: StreamSocket
  var received: [UInt8] = []
  var hasEnded = false
  var failure: String?
  var outcome: Flushed?

  init(_ descriptor: Int32, _ layer: StreamLayer, on loop: EventLoop) throws {
    self.loop = loop
    socket = StreamSocket(adopting: descriptor, layer: layer, on: loop)
    try socket.register(self)
  }

  func becameReady(_ readiness: Readiness) {
    if readiness.contains(.writable) { flush() }
    guard readiness.contains(.readable) else { return }
    switch socket.receive() {
    case .bytes(let bytes): received += Array(bytes)
    case .ended: end()
    case .failed(let error):
      failure = error.description
      end()
    case .wouldBlock: break
    }
  }

  private func end() {
    hasEnded = true
    socket.setReading(false)
  }

  func flush() { outcome = socket.flush() }

  func write(_ bytes: [UInt8]) { socket.write { $0.append(bytes) } }
}

@Suite struct TLSSocketTests {
  private let kernel = FakeKernel()
  private let loop: EventLoop
  private let server: End
  private let client: End

  /// A client whose handshake has begun with the server that is on the same loop.
  init() throws {
    kernel.waitMillisecondsMax = 1
    loop = try EventLoop(name: "test", kernel: kernel)
    var pair: [Int32] = [0, 0]
    let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    #expect(socketpair(AF_UNIX, flags, 0, &pair) == 0)
    server = try End(
      pair[0], StreamLayer(TLSSession(server: .server(Certificates.localhost))!), on: loop)
    let session = TLSSession(client: try .client(), host: "localhost")!
    // A socket that adopts its descriptor waits for its peer, which a TLS server does as well.
    var hello = ByteBuffer()
    session.start(&hello)
    #expect(send(pair[1], hello.bytes.baseAddress, hello.count, 0) == hello.count)
    client = try End(pair[1], StreamLayer(session), on: loop)
  }

  private func turn(until isDone: () -> Bool) -> Bool {
    for _ in 0..<2_000 {
      if isDone() { return true }
      loop.turn()
    }
    return isDone()
  }

  private static func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  }

  @Test func `what is written before the handshake is done waits for it`() {
    client.write([1, 2, 3])
    client.flush()
    #expect(client.outcome == .blocked(pendingBytes: 3))
    #expect(turn { server.received == [1, 2, 3] })
    #expect(turn { client.outcome == .drained })
    #expect(client.socket.pendingBytes == 0)
  }

  @Test func `any amount goes both ways, whatever the kernel takes`() {
    let (question, answer) = (Self.bytes(700_000), Self.bytes(900_000))
    for count in [1, 0, 7, 100, 16_384, 3] { kernel.sendAnswers.append(.takeAtMost(count)) }
    kernel.sendAnswers.append(.fail(EAGAIN))
    client.write(question)
    server.write(answer)
    #expect(
      turn {
        server.received.count == question.count && client.received.count == answer.count
      })
    #expect(server.received == question)
    #expect(client.received == answer)
    #expect(client.outcome == .drained && server.outcome == .drained)
  }

  @Test func `small writes of one turn leave together`() {
    client.write([0])
    #expect(turn { server.received == [0] })
    loop.turn()
    let before = kernel.sends
    for number in 1...100 {
      client.write([UInt8(number)])
      // Written in between by another, so that the stretches do not follow one another.
      server.write([UInt8(number)])
    }
    #expect(turn { server.received.count == 101 && client.received.count == 100 })
    #expect(server.received == (0...100).map { UInt8($0) })
    #expect(kernel.sends == before + 2)
  }

  @Test func `the end comes behind the last bytes`() {
    client.write([1])
    #expect(turn { server.received == [1] })
    // A close with the server's ticket unread would be a reset.
    for _ in 0..<4 { loop.turn() }
    client.write([2])
    client.flush()
    client.socket.close()
    #expect(turn { server.hasEnded })
    #expect(server.received == [1, 2])
    #expect(server.failure == nil)
  }

  @Test func `after a half close the other half goes on`() {
    client.write([1])
    #expect(turn { server.received == [1] && client.outcome == .drained })
    client.socket.shutdownWriting()
    #expect(turn { server.hasEnded })
    server.write([2])
    #expect(turn { client.received == [2] })
    server.socket.shutdownWriting()
    #expect(turn { client.hasEnded })
  }

  @Test func `a close that loses bytes does not look like an orderly end`() {
    client.write([1])
    #expect(turn { server.received == [1] })
    kernel.sendAnswers.append(.fail(EAGAIN))
    client.write(Self.bytes(1_000))
    client.flush()
    #expect(client.socket.pendingBytes > 0)
    let before = kernel.sends
    client.socket.close()
    #expect(kernel.sends == before)
  }

  @Test func `a last word that comes with data is heard though the peer stays`() throws {
    var pair: [Int32] = [0, 0]
    let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    #expect(socketpair(AF_UNIX, flags, 0, &pair) == 0)
    defer { close(pair[1]) }
    let both = try Conversation()
    both.begin()
    let end = try End(pair[0], StreamLayer(both.server.session), on: loop)
    #expect(both.client.send([2]) == nil)
    both.client.finish()
    let sealed = both.client.outgoing
    #expect(send(pair[1], sealed, sealed.count, 0) == sealed.count)
    #expect(turn { end.hasEnded })
    #expect(end.received == [2])
    #expect(end.failure == nil)
    end.socket.close()
  }

  @Test func `a peer that is refused gets the alert`() throws {
    var pair: [Int32] = [0, 0]
    let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    #expect(socketpair(AF_UNIX, flags, 0, &pair) == 0)
    defer { close(pair[1]) }
    let end = try End(
      pair[0], StreamLayer(TLSSession(server: .server(Certificates.localhost))!), on: loop)
    #expect(send(pair[1], "GET / HTTP/1.1\r\n", 16, 0) == 16)
    #expect(turn { end.hasEnded })
    #expect(end.failure == TLSFailure.notTLS.description)
    end.socket.close()
  }

  @Test func `a peer that sends records and reads none makes the owner hear of it`() {
    client.write([1])
    #expect(turn { server.received == [1] })
    kernel.sendAnswers = Array(repeating: .fail(EAGAIN), count: 50)
    server.write(Self.bytes(10_000))
    #expect(turn { server.outcome != nil && server.socket.pendingBytes > 0 })
    guard case .blocked(let pending) = server.outcome else { return #expect(Bool(false)) }
    #expect(pending >= 10_000)
    kernel.sendAnswers = []
    #expect(turn { client.received.count == 10_000 })
  }
}
