internal import CLinux
internal import Glibc
internal import Synchronization

/// Wakes one loop: from another thread with one system call however many ask before it runs, from
/// its own thread with none.
final class Waker: Sendable {
  let descriptor: Int32
  private let isPending = Atomic<Bool>(false)
  /// Touched by the loop's own thread only.
  private let isAwakeWithMail = Atomic<Bool>(false)

  init() throws(SystemError) {
    descriptor = try SystemError.check(clinux_eventfd(), "eventfd")
  }

  deinit { close(descriptor) }

  /// What `clinux_current_loop()` gives on the thread that runs the loop.
  var identity: UInt { UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()) }

  func wake() {
    if clinux_current_loop() == identity {
      return isAwakeWithMail.store(true, ordering: .relaxed)
    }
    guard !isPending.exchange(true, ordering: .acquiringAndReleasing) else { return }
    let result = eventfd_write(descriptor, 1)
    precondition(result == 0, "an eventfd that was written once per wake-up cannot be full")
  }

  /// Lets the next `wake()` ring again. Before the mailboxes are read, never after: a message that
  /// came in between would wait for the next one.
  func reset() {
    var count: eventfd_t = 0
    eventfd_read(descriptor, &count)
    isPending.store(false, ordering: .sequentiallyConsistent)
  }

  /// Whether the loop has posted to itself since the last call.
  func takeOwn() -> Bool {
    guard hasOwn else { return false }
    isAwakeWithMail.store(false, ordering: .relaxed)
    return true
  }

  var hasOwn: Bool { isAwakeWithMail.load(ordering: .relaxed) }
}

/// A queue into one event loop.
///
/// Messages of one thread arrive in the order posted. What is posted before the loop runs arrives
/// as one batch, and what the loop itself posts arrives in the same turn. The queue itself has no bound; each sender has one on what it may have under way.
package final class Mailbox<Message: Sendable>: Sendable {
  private let queue = Locked<[Message]>([])
  private let waker: Waker

  init(waker: Waker) { self.waker = waker }

  package func post(_ message: Message) {
    queue.withLock { $0.append(message) }
    waker.wake()
  }

  package func post(_ batch: [Message]) {
    guard !batch.isEmpty else { return }
    queue.withLock { queue in
      if queue.isEmpty { queue = batch } else { queue.append(contentsOf: batch) }
    }
    waker.wake()
  }

  func take() -> [Message] {
    queue.withLock { queue in
      defer { queue = [] }
      return queue
    }
  }
}

/// A mailbox with its receiver, as the loop sees it.
protocol MailboxReader: AnyObject {
  func deliver()
}

final class TypedMailboxReader<Message: Sendable>: MailboxReader {
  private let mailbox: Mailbox<Message>
  private let receive: ([Message]) -> Void

  init(mailbox: Mailbox<Message>, receive: @escaping ([Message]) -> Void) {
    self.mailbox = mailbox
    self.receive = receive
  }

  func deliver() {
    let batch = mailbox.take()
    if !batch.isEmpty { receive(batch) }
  }
}
