import Gateway
import Glibc
import Reactor
import TestKernel
import WebSocket

/// A worker on a loop that the test turns itself, with a clock that the test moves; nothing else
/// does, unless it is told to run.
final class TestServer {
  let kernel: FakeKernel
  let loop: EventLoop
  let worker: Worker
  private(set) var address = SocketAddress(numericHost: "127.0.0.1", port: 0)!
  /// What the worker reported when the system gave no descriptor.
  private(set) var pauses: [SystemError] = []

  init(
    limits: GatewayLimits = GatewayLimits(), origins: OriginPolicy = .any,
    proxies: ProxyPolicy = ProxyPolicy(), isClockRunning: Bool = false,
    application: (EventLoop) throws -> any Application
  ) throws {
    kernel = FakeKernel()
    kernel.waitMillisecondsMax = 5
    if !isClockRunning { kernel.stopClock() }
    loop = try EventLoop(name: "test", kernel: kernel)
    worker = Worker(
      loop: loop, limits: limits, origins: origins, proxies: proxies,
      application: try application(loop), pingTimeoutCode: CloseCode(4202))
    address = try worker.listen(on: address) { [unowned self] in pauses.append($0) }
  }

  /// Another node's worker on the loop of `other`, which either turns.
  init(
    beside other: TestServer, limits: GatewayLimits = GatewayLimits(),
    application: (EventLoop) throws -> any Application
  ) throws {
    kernel = other.kernel
    loop = other.loop
    worker = Worker(
      loop: loop, limits: limits, origins: .any, application: try application(loop),
      pingTimeoutCode: CloseCode(4202))
    address = try worker.listen(on: address) { [unowned self] in pauses.append($0) }
  }

  deinit { worker.stopListening() }

  /// Turns the loop until `isDone`, and gives up after a few seconds.
  @discardableResult
  func turn(until isDone: () -> Bool) -> Bool {
    for _ in 0..<2_000 {
      if isDone() { return true }
      loop.turn()
    }
    return isDone()
  }

  /// Turns the loop often enough for whatever is under way on loopback, which a machine with other
  /// work may deliver a little later.
  func settle() {
    for _ in 0..<4 {
      loop.turn()
      usleep(250)
    }
  }

  /// Lets time pass, all at once.
  func pass(_ time: Duration) {
    settle()
    kernel.skew += time
    settle()
  }
}
