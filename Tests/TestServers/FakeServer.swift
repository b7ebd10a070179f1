import Foundation

/// A server on a loopback port that says what a test wants it to.
///
/// Connections are served one at a time, on a thread of the server's, with blocking calls.
package final class FakeServer: Sendable {
  package let port: UInt16
  private let listener: Int32

  /// - Parameter serve: called for each connection with its number from 0; the connection closes
  ///   when it returns.
  package init(_ serve: @escaping @Sendable (FakeConnection, Int) -> Void) {
    guard let (listener, port) = makeLoopbackSocket(), listen(listener, 16) == 0 else {
      preconditionFailure("no free port on the loopback address")
    }
    self.port = port
    self.listener = listener
    Thread.detachNewThread {
      // Closed here and nowhere else: the number may be another server's at once.
      defer { close(listener) }
      for number in 0... {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { return }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        serve(FakeConnection(descriptor: descriptor), number)
        close(descriptor)
      }
    }
  }

  /// Has the thread's present or next `accept()` fail.
  deinit { shutdown(listener, Int32(SHUT_RDWR)) }
}

/// A connection of a `FakeServer`.
package struct FakeConnection: Sendable {
  let descriptor: Int32

  /// Waits for so many bytes; nil when the client has gone.
  package func read(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = bytes.withUnsafeMutableBytes {
        recv(descriptor, $0.baseAddress! + filled, count - filled, 0)
      }
      guard got > 0 else { return nil }
      filled += got
    }
    return bytes
  }

  /// Waits for what comes next; nil when the client has gone.
  package func readSome() -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let got = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress!, $0.count, 0) }
    return got > 0 ? Array(bytes.prefix(got)) : nil
  }

  /// Says false when the client has gone.
  @discardableResult
  package func write(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  @discardableResult
  package func write(_ text: String) -> Bool { write(Array(text.utf8)) }

  /// Waits until the client goes.
  package func waitForEnd() { while readSome() != nil {} }
}
