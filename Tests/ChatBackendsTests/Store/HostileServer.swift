import Foundation
import Reactor
import TestServers

/// Listens on the loopback address and treats each connection as its script says.
final class HostileServer: Sendable {
  let port: UInt16
  private let listener: Int32
  private let thread: Reactor.Thread
  private let accepted = Locked(0)

  /// `script` runs on the server's thread for one connection at a time; the descriptor is closed
  /// after the next connection's script ended, or at the end.
  init(_ script: @escaping @Sendable (Int32) -> Void) throws {
    let port = ServerProcess.freePort()
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isListening = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(listener, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isListening, listen(listener, 16) == 0 else {
      throw ServerProcess.Failure(description: "no listener for the hostile server")
    }
    self.port = port
    self.listener = listener
    thread = Reactor.Thread(name: "hostile") { [accepted] in
      var open: Int32 = -1
      while true {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { break }
        accepted.withLock { $0 += 1 }
        script(descriptor)
        if open >= 0 { close(open) }
        open = descriptor
      }
      if open >= 0 { close(open) }
    }
  }

  var connections: Int { accepted.withLock { $0 } }

  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    thread.join()
    close(listener)
  }

  /// Writes without a signal when the peer is gone; false then.
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  /// Reads the start-up packet and lets the client in without a password.
  static func letIn(_ descriptor: Int32) {
    var buffer = [UInt8](repeating: 0, count: 4096)
    _ = recv(descriptor, &buffer, buffer.count, 0)
    // AuthenticationOk and ReadyForQuery.
    _ = write([82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73], to: descriptor)
  }
}
