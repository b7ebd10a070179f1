import Glibc
import Reactor

/// A socket in the test's hand, which never blocks: while it waits, it turns the server's loop.
final class TestClient {
  private let server: TestServer
  private var descriptor: Int32
  /// What was received and not taken out yet.
  var received: [UInt8] = []
  /// Whether the server has ended its side.
  private(set) var hasEnded = false
  private(set) var wasReset = false

  /// - Parameter receiveBufferBytes: how much the kernel takes for a client that does not read.
  init(to server: TestServer, receiveBufferBytes: Int32? = nil) {
    self.server = server
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    precondition(descriptor >= 0, "no socket for a test")
    if var bytes = receiveBufferBytes {
      let size = socklen_t(MemoryLayout<Int32>.size)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, size)
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = server.address.port.bigEndian
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(result == 0, "the test's server does not listen")
  }

  deinit { close() }

  // MARK: Sending

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) {
    var sent = 0
    server.turn {
      sent += sendNow(bytes[sent...])
      return sent == bytes.count || wasReset
    }
  }

  /// What the kernel takes at once.
  private func sendNow(_ bytes: ArraySlice<UInt8>) -> Int {
    guard !bytes.isEmpty else { return 0 }
    let count = bytes.withUnsafeBytes {
      Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
    }
    if count < 0, errno != EAGAIN { wasReset = true }
    return max(0, count)
  }

  // MARK: Receiving

  /// Takes what has arrived, without turning the loop.
  func receiveNow() {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while !hasEnded, !wasReset {
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        received.append(contentsOf: buffer[..<count])
      } else if count == 0 {
        hasEnded = true
      } else if errno == EAGAIN {
        return
      } else {
        wasReset = true
      }
    }
  }

  /// Receives until `isDone`, or the server has ended; false if neither comes to pass.
  @discardableResult
  func receive(until isDone: () -> Bool) -> Bool {
    server.turn {
      receiveNow()
      return isDone() || hasEnded || wasReset
    }
  }

  /// Whether the server ends the connection without the clock being moved.
  func receivesEnd() -> Bool {
    receive(until: { false })
    return hasEnded
  }

  /// Everything received so far, as text.
  var text: String {
    receiveNow()
    return String(decoding: received, as: UTF8.self)
  }

  // MARK: Ending

  func shutdownWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  func close() {
    guard descriptor >= 0 else { return }
    Glibc.close(descriptor)
    descriptor = -1
  }

  /// Ends with a reset instead of an end.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    close()
  }
}
