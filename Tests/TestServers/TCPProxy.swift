import Foundation

/// Stands between clients and a server of this machine, and holds back what a test tells it to.
///
/// Two threads per connection, with blocking calls.
package final class TCPProxy: Sendable {
  package let port: UInt16
  private let server: UInt16
  private let marker: [UInt8]
  private let listener: Int32
  private let gate = Gate()

  /// - Parameter marker: `hold()` concerns the connections whose clients have sent these bytes.
  package init(to server: UInt16, holding marker: String) {
    guard let (listener, port) = makeLoopbackSocket(), listen(listener, 16) == 0 else {
      preconditionFailure("no free port on the loopback address")
    }
    self.port = port
    self.server = server
    self.marker = Array(marker.utf8)
    self.listener = listener
    Thread.detachNewThread { [weak self] in
      while true {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0, let self else { return }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.carry(FakeConnection(descriptor: descriptor))
      }
    }
  }

  deinit {
    gate.open()
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  /// From now on what the server sends on the marked connections waits.
  package func hold() { gate.close() }
  /// Lets it go on, in order.
  package func release() { gate.open() }

  private func carry(_ client: FakeConnection) {
    guard let descriptor = connectToLoopback(port: server) else {
      close(client.descriptor)
      return
    }
    let server = FakeConnection(descriptor: descriptor)
    let (gate, marker) = (gate, marker)
    let isMarked = Flag()
    let ends = Ends(client.descriptor, descriptor)
    Thread.detachNewThread {
      while let bytes = client.readSome() {
        if contains(bytes, marker) { isMarked.set() }
        guard server.write(bytes) else { break }
      }
      ends.end()
    }
    Thread.detachNewThread {
      while let bytes = server.readSome() {
        if isMarked.isSet { gate.pass() }
        guard client.write(bytes) else { break }
      }
      ends.end()
    }
  }
}

private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
  guard bytes.count >= part.count else { return false }
  return (0...bytes.count - part.count).contains { bytes[$0...].starts(with: part) }
}

/// Both descriptors of a connection: shut down when one side ends, closed when both have.
private final class Ends: Sendable {
  private let descriptors: (Int32, Int32)
  private let isHalfDone = Flag()

  init(_ one: Int32, _ other: Int32) { descriptors = (one, other) }

  func end() {
    shutdown(descriptors.0, Int32(SHUT_RDWR))
    shutdown(descriptors.1, Int32(SHUT_RDWR))
    guard isHalfDone.set() else { return }
    close(descriptors.0)
    close(descriptors.1)
  }
}

private final class Flag: @unchecked Sendable {
  // Safe to share: `lock` is held around every use.
  private let lock = NSLock()
  private var value = false

  var isSet: Bool { lock.withLock { value } }

  /// Says whether it was set before.
  @discardableResult
  func set() -> Bool {
    lock.withLock {
      defer { value = true }
      return value
    }
  }
}

private final class Gate: @unchecked Sendable {
  // Safe to share: `condition` is held around every use.
  private let condition = NSCondition()
  private var isClosed = false

  func close() { condition.withLock { isClosed = true } }

  func open() {
    condition.withLock {
      isClosed = false
      condition.broadcast()
    }
  }

  func pass() { condition.withLock { while isClosed { condition.wait() } } }
}
