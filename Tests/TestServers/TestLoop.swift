import Foundation
package import Reactor

/// An event loop on a thread of its own, that tests put their parts on.
package final class TestLoop: Sendable {
  package typealias Work = @Sendable (EventLoop) -> Void
  private let mailbox: Mailbox<Work>

  package init() {
    let made = DispatchSemaphore(value: 0)
    let box = Locked<Mailbox<Work>?>(nil)
    _ = LoopThread(name: "test") { loop in
      let mailbox = loop.makeMailbox(Work.self) { batch in for work in batch { work(loop) } }
      box.withLock { $0 = mailbox }
      made.signal()
    }
    made.wait()
    mailbox = box.withLock { $0! }
  }

  deinit { mailbox.post { $0.stop() } }

  /// Has `body` run on the loop some time, and what it holds let go of there.
  package func post(_ body: @escaping Work) { mailbox.post(body) }

  /// Runs `body` on the loop and waits for what it returns.
  package func run<Value: Sendable>(_ body: @escaping @Sendable (EventLoop) -> Value) async -> Value
  {
    await withCheckedContinuation { continuation in
      mailbox.post { continuation.resume(returning: body($0)) }
    }
  }
}

extension Resolver {
  /// One to which every host has an address for each port of this machine.
  package convenience init(on loop: EventLoop, ports: [UInt16]) {
    self.init(on: loop) { _, _ in
      ports.map { SocketAddress(numericHost: "127.0.0.1", port: $0)! }
    }
  }
}

/// Carries an object of a loop through a test, which uses it on that loop only.
package struct Confined<Value>: @unchecked Sendable {
  package let value: Value
  package init(_ value: Value) { self.value = value }
}
