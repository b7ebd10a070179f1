import CLinux
import Glibc
import TestKernel
import Testing

@testable import Reactor

@Suite struct ListenerTests {
  private let kernel = FakeKernel()
  private let loop: EventLoop
  private let loopback = SocketAddress(numericHost: "127.0.0.1", port: 0)!

  init() throws { loop = try EventLoop(name: "test", kernel: kernel) }

  private final class Client: EventHandler {
    var socket: StreamSocket
    var error: SystemError?

    init(connectingTo address: SocketAddress, on loop: EventLoop) throws {
      socket = try StreamSocket.connect(to: address, on: loop)
      try socket.register(self)
    }

    func becameReady(_ readiness: Readiness) {
      do throws(SystemError) {
        try socket.finishConnecting()
      } catch {
        self.error = error
        socket.close()
      }
    }
  }

  @Test func `out of descriptors it pauses, tells once, and accepts again`() throws {
    var accepted: [Int32] = []
    var failures: [SystemError] = []
    kernel.acceptAnswers = [-EMFILE]
    let listener = try Listener(
      on: loop, address: loopback, accepted: { descriptor, _ in accepted.append(descriptor) },
      exhausted: { failures.append($0) })
    let client = try Client(connectingTo: listener.address, on: loop)
    for _ in 0..<5 { loop.turn() }
    #expect(failures == [SystemError(code: EMFILE, call: "accept4")])
    #expect(accepted.isEmpty)
    let waits = kernel.waits
    kernel.skew = Listener.pause + .milliseconds(20)
    loop.turn()
    loop.turn()
    #expect(accepted.count == 1)
    #expect(kernel.waits - waits == 2)
    for descriptor in accepted { close(descriptor) }
    listener.close()
    client.socket.close()
  }

  @Test func `two loops listen on one port`() throws {
    let first = try Listener(
      on: loop, address: loopback, accepted: { _, _ in }, exhausted: { _ in })
    let other = try EventLoop(name: "other")
    let second = try Listener(
      on: other, address: first.address, accepted: { _, _ in }, exhausted: { _ in })
    #expect(first.address == second.address)
    #expect(first.address.isLoopback)
    first.close()
    second.close()
  }

  @Test func `a connection that is refused says so`() throws {
    let listener = try Listener(
      on: loop, address: loopback, accepted: { _, _ in }, exhausted: { _ in })
    let address = listener.address
    listener.close()
    let client = try Client(connectingTo: address, on: loop)
    for _ in 0..<3 where client.error == nil { loop.turn() }
    #expect(client.error == SystemError(code: ECONNREFUSED, call: "connect"))
  }
}
