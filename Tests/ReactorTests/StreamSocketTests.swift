import Bytes
import CLinux
import Glibc
import TestKernel
import Testing

@testable import Reactor

/// One end of a socket pair on a loop; the test holds the other.
private final class Endpoint: EventHandler {
  let loop: EventLoop
  var socket: StreamSocket
  var received: [UInt8] = []
  var outcome: Flushed?
  var hasEnded = false

  init(loop: EventLoop, descriptor: Int32) throws {
    self.loop = loop
    socket = StreamSocket(adopting: descriptor, on: loop)
    try socket.register(self)
  }

  func becameReady(_ readiness: Readiness) {
    if readiness.contains(.writable) { flush() }
    guard readiness.contains(.readable) else { return }
    switch socket.receive() {
    case .bytes(let bytes): received += Array(bytes)
    case .ended: hasEnded = true
    case .wouldBlock, .failed: break
    }
  }

  func flush() { outcome = socket.flush() }
}

@Suite struct StreamSocketTests {
  private let kernel = FakeKernel()
  private let loop: EventLoop
  private let endpoint: Endpoint
  private let peer: Int32

  init() throws {
    loop = try EventLoop(name: "test", kernel: kernel)
    var pair: [Int32] = [0, 0]
    let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    #expect(socketpair(AF_UNIX, flags, 0, &pair) == 0)
    peer = pair[1]
    endpoint = try Endpoint(loop: loop, descriptor: pair[0])
  }

  private func peerReceives() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    let count = recv(peer, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    return Array(buffer.prefix(max(0, count)))
  }

  @Test func `writes of one turn leave in one call`() {
    defer { close(peer) }
    endpoint.socket.write { $0.append("one ") }
    endpoint.socket.write { $0.append("two") }
    loop.turn()
    #expect(peerReceives() == Array("one two".utf8))
    #expect(kernel.sends == 1)
    #expect(endpoint.outcome == .drained)
  }

  @Test func `writes of two sockets that alternate stay apart and in order`() throws {
    defer { close(peer) }
    var pair: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    let other = try Endpoint(loop: loop, descriptor: pair[0])
    defer { close(pair[1]) }
    for digit in 0..<100 {
      endpoint.socket.write { $0.append(decimal: UInt64(digit)) }
      other.socket.write { $0.append("x") }
    }
    loop.turn()
    #expect(peerReceives() == Array((0..<100).map { String($0) }.joined().utf8))
    other.socket.close()
  }

  @Test(arguments: [0, 1, 3, 99, 100, 150])
  func `what the kernel did not take follows in order`(taken: Int) {
    defer { close(peer) }
    let shared = loop.encode { buffer in
      buffer.append([UInt8](repeating: 0x61, count: 100))
      return 0..<100
    }
    kernel.sendAnswers = [taken == 0 ? .fail(EAGAIN) : .takeAtMost(taken)]
    endpoint.socket.write(shared)
    _ = loop.encode { buffer in
      buffer.append("not for this socket")
      return 100..<119
    }
    endpoint.socket.write { $0.append([UInt8](repeating: 0x62, count: 100)) }
    loop.turn()
    #expect(endpoint.outcome == .blocked(pendingBytes: 200 - taken))
    endpoint.socket.write { $0.append("end") }
    loop.turn()
    loop.turn()
    let expected = [UInt8](repeating: 0x61, count: 100) + [UInt8](repeating: 0x62, count: 100)
    #expect(peerReceives() == expected + Array("end".utf8))
    let pendingBytes = endpoint.socket.pendingBytes
    #expect(pendingBytes == 0)
  }

  @Test func `a failed send is told once and the loop goes on`() {
    kernel.sendAnswers = [.fail(EPIPE)]
    endpoint.socket.write { $0.append("lost") }
    loop.turn()
    #expect(endpoint.outcome == .failed(.system(SystemError(code: EPIPE, call: "send"))))
    endpoint.socket.close()
    loop.turn()
    close(peer)
  }

  @Test func `reads nothing while reading is off`() {
    defer { close(peer) }
    endpoint.socket.setReading(false)
    #expect(send(peer, "hello", 5, 0) == 5)
    loop.turn()
    #expect(endpoint.received.isEmpty)
    endpoint.socket.setReading(true)
    loop.turn()
    #expect(endpoint.received == Array("hello".utf8))
  }

  @Test func `the end of the peer's stream is told`() {
    close(peer)
    loop.turn()
    #expect(endpoint.hasEnded)
    endpoint.socket.close()
  }

  @Test func `a closed socket ignores writes`() {
    defer { close(peer) }
    endpoint.socket.write { $0.append("dropped") }
    endpoint.socket.close()
    endpoint.socket.write { $0.append("ignored") }
    loop.turn()
    #expect(peerReceives().isEmpty)
    #expect(loop.handlerCount == 0)
  }
}
