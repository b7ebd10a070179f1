import Bytes
import CLinux
import Glibc
import Testing

@testable import Reactor

/// Seals nothing, and may fail in the middle of a stretch.
private final class PlainCodec: StreamCodec {
  let isEstablished = true
  var failsBehind: Int?

  func start(_ sealed: inout ByteBuffer) {}

  func open(
    _ buffer: UnsafeMutableRawBufferPointer, from start: Int, sealed: inout ByteBuffer
  ) -> OpenedBytes { OpenedBytes(count: 0, state: .open) }

  func seal(_ plain: UnsafeRawBufferPointer, into sealed: inout ByteBuffer) -> StaticString? {
    sealed.append(UnsafeRawBufferPointer(rebasing: plain.prefix(failsBehind ?? plain.count)))
    return failsBehind == nil ? nil : "broken"
  }

  func finish(_ sealed: inout ByteBuffer) {}
}

/// One end of a socket pair with a layer; the test reads the other.
private final class LayeredEnd: EventHandler {
  let codec = PlainCodec()
  var socket: StreamSocket
  let peer: Int32
  var outcome: Flushed?

  init(on loop: EventLoop) throws {
    var pair: [Int32] = [0, 0]
    let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    #expect(socketpair(AF_UNIX, flags, 0, &pair) == 0)
    peer = pair[1]
    socket = StreamSocket(adopting: pair[0], layer: StreamLayer(codec), on: loop)
    try socket.register(self)
    // What comes first makes the layer notice that it is established.
    #expect(send(peer, "x", 1, 0) == 1)
  }

  deinit { close(peer) }

  func becameReady(_ readiness: Readiness) { _ = socket.receive() }

  func flush() { outcome = socket.flush() }

  var peerReceives: String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(peer, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }
}

@Suite struct StreamLayerTests {
  @Test func `what was sealed before a failure goes out on no other socket`() throws {
    let loop = try EventLoop(name: "test")
    let (broken, other) = (try LayeredEnd(on: loop), try LayeredEnd(on: loop))
    loop.turn()
    broken.codec.failsBehind = 6
    broken.socket.write { $0.append("secret and more") }
    other.socket.write { $0.append("hello") }
    loop.turn()
    #expect(broken.outcome == .failed(.layer("broken")))
    #expect(other.outcome == .drained)
    #expect(other.peerReceives == "hello")
    #expect(broken.peerReceives.isEmpty)
    for end in [broken, other] { end.socket.close() }
  }
}
