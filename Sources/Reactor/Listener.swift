internal import CLinux
internal import Glibc

/// A listening socket of one loop.
///
/// Every loop has its own on the same port (SO_REUSEPORT), so the kernel spreads connections and
/// loops share nothing.
package final class Listener: EventHandler {
  private static let backlog: Int32 = 4096
  /// Connections accepted in one turn, so that a storm leaves room for those already here.
  package static let acceptsPerTurn = 64
  /// How long accepting pauses when descriptors or memory ran out.
  package static let pause = Duration.milliseconds(200)

  /// The address bound, with the port that the kernel chose where none was given.
  package let address: SocketAddress
  private let loop: EventLoop
  private let accepted: (_ descriptor: Int32, _ peer: SocketAddress?) -> Void
  private let exhausted: (SystemError) -> Void
  private var token = Token(index: 0, generation: 0)
  private var descriptor: Int32

  /// Binds and listens. `accepted` owns each descriptor it is given; `exhausted` is told once per
  /// pause that the system gave none.
  ///
  /// - Parameter isFirst: fails when anybody listens on the port already; the process's further
  ///   loops share it.
  package init(
    on loop: EventLoop, address: SocketAddress, isFirst: Bool,
    accepted: @escaping (_ descriptor: Int32, _ peer: SocketAddress?) -> Void,
    exhausted: @escaping (SystemError) -> Void
  ) throws(SystemError) {
    self.loop = loop
    self.accepted = accepted
    self.exhausted = exhausted
    if isFirst {
      // SO_REUSEPORT would let another process of this user share the port unnoticed.
      Glibc.close(try Self.listen(on: address, isShared: false))
    }
    descriptor = try Self.listen(on: address, isShared: true)
    self.address = Self.boundAddress(descriptor) ?? address
    token = try loop.add(self, descriptor: descriptor, interest: .readable)
  }

  private static func listen(
    on address: SocketAddress, isShared: Bool
  ) throws(SystemError) -> Int32 {
    let descriptor = try SystemError.check(clinux_socket(address.family), "socket")
    var one: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
    if isShared { setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, size) }
    if address.family == AF_INET6 {
      setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, size)
    }
    var call: StaticString = "bind"
    var result = address.withPointer { Glibc.bind(descriptor, $0, $1) }
    if result == 0 {
      call = "listen"
      result = Glibc.listen(descriptor, backlog)
    }
    guard result == 0 else {
      let code = errno
      Glibc.close(descriptor)
      throw SystemError(code: code, call: call)
    }
    return descriptor
  }

  private static func boundAddress(_ descriptor: Int32) -> SocketAddress? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &length) == 0 ? SocketAddress($0) : nil
      }
    }
  }

  package func becameReady(_ readiness: Readiness) {
    for _ in 0..<Self.acceptsPerTurn {
      guard descriptor >= 0 else { return }
      var storage = sockaddr_storage()
      let accepted = loop.kernel.accept(descriptor, &storage)
      if accepted >= 0 {
        self.accepted(accepted, Self.address(of: storage))
        continue
      }
      switch -accepted {
      case EAGAIN: return
      case EMFILE, ENFILE, ENOBUFS, ENOMEM:
        // Level-triggered readiness would spin: look again after a pause.
        loop.setInterest([], for: token)
        loop.setTimer(for: token, at: loop.now + Self.pause)
        exhausted(SystemError(code: -accepted, call: "accept4"))
        return
      default:
        // The connection failed before it was accepted (accept(2), "Error handling").
        continue
      }
    }
  }

  private static func address(of storage: sockaddr_storage) -> SocketAddress? {
    withUnsafePointer(to: storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { SocketAddress($0) }
    }
  }

  package func timerFired() {
    if descriptor >= 0 { loop.setInterest(.readable, for: token) }
  }

  /// Stops listening; connections not yet accepted are reset.
  package func close() {
    guard descriptor >= 0 else { return }
    loop.remove(token)
    loop.kernel.close(descriptor)
    descriptor = -1
  }
}
