internal import CLinux
internal import Glibc
internal import Synchronization

/// Wakes one loop: from another thread with one system call however many ask before it runs, from
/// its own thread with none.
final class Waker: Sendable {
  let descriptor: Int32
  private let hasRung = Atomic<Bool>(false)
  /// Touched by the loop's own thread only.
  private let hasOwnMail = Atomic<Bool>(false)

  init() throws(SystemError) {
    descriptor = try SystemError.check(clinux_eventfd(), "eventfd")
  }

  deinit { close(descriptor) }

  /// What `clinux_current_loop()` gives on the thread that runs the loop.
  var identity: UInt { UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()) }

  /// Whether anybody has rung since the last `reset()`; the event of it may not have come yet.
  var isPending: Bool { hasRung.load(ordering: .acquiring) }

  func wake() {
    if clinux_current_loop() == identity {
      return hasOwnMail.store(true, ordering: .relaxed)
    }
    guard !hasRung.exchange(true, ordering: .acquiringAndReleasing) else { return }
    let result = eventfd_write(descriptor, 1)
    precondition(result == 0, "an eventfd that was written once per wake-up cannot be full")
  }

  /// Lets the next `wake()` ring again. Before the mailboxes are read, never after: a message that
  /// came in between would wait for the next one.
  func reset() {
    var count: eventfd_t = 0
    eventfd_read(descriptor, &count)
    // Whoever found that somebody had rung did not ring: what they posted is seen from here on.
    _ = hasRung.exchange(false, ordering: .acquiringAndReleasing)
  }

  /// Whether the loop has posted to itself since the last call.
  func takeOwn() -> Bool {
    guard hasOwn else { return false }
    hasOwnMail.store(false, ordering: .relaxed)
    return true
  }

  var hasOwn: Bool { hasOwnMail.load(ordering: .relaxed) }
}

/// A queue into one event loop.
///
/// Messages of one thread arrive in the order posted. What is posted before the loop runs arrives
/// together, in batches of at most `EventLoop.messagesPerLook`, and what the loop posts to itself
/// while it flushes mostly in the same turn. The queue itself has no bound; each sender has one on
/// what it may have under way.
package final class Mailbox<Message: Sendable>: Sendable {
  private let queue = Locked<[Message]>([])
  /// Whether something may have come since the last `take()`.
  private let hasMail = Atomic<Bool>(false)
  private let waker: Waker

  init(waker: Waker) { self.waker = waker }

  package func post(_ message: Message) {
    queue.withLock { $0.append(message) }
    hasMail.store(true, ordering: .releasing)
    waker.wake()
  }

  package func post(_ batch: [Message]) {
    guard !batch.isEmpty else { return }
    queue.withLock { queue in
      if queue.isEmpty { queue = batch } else { queue.append(contentsOf: batch) }
    }
    hasMail.store(true, ordering: .releasing)
    waker.wake()
  }

  /// One look where there is nothing, as there mostly is: a loop asks all its mailboxes whenever one
  /// of them has mail.
  var isEmpty: Bool { !hasMail.load(ordering: .acquiring) }

  func take() -> [Message] {
    // Before the queue is emptied, whose lock orders it before later posts: what comes in between is
    // looked for in vain once.
    hasMail.store(false, ordering: .relaxed)
    return queue.withLock { queue in
      defer { queue = [] }
      return queue
    }
  }
}

/// A mailbox with its receiver, as the loop sees it.
protocol MailboxReader: AnyObject {
  /// Hands over what has come, or as much of it as one call should.
  func deliverSome() -> MailDelivery
}

enum MailDelivery {
  case allDelivered
  /// What came behind the rest of an earlier batch has rung already, and will not ring again.
  case perhapsMore
}

final class TypedMailboxReader<Message: Sendable>: MailboxReader {
  private let mailbox: Mailbox<Message>
  private let receive: ([Message]) -> Void
  /// Taken out of the mailbox and not handed over yet.
  private var rest: ArraySlice<Message> = []
  /// Whether there is any; the array would have to look its type up to say so.
  private var hasRest = false

  init(mailbox: Mailbox<Message>, receive: @escaping ([Message]) -> Void) {
    self.mailbox = mailbox
    self.receive = receive
  }

  func deliverSome() -> MailDelivery {
    if !hasRest {
      guard !mailbox.isEmpty else { return .allDelivered }
      let batch = mailbox.take()
      guard batch.count > EventLoop.messagesPerLook else {
        if !batch.isEmpty { receive(batch) }
        return .allDelivered
      }
      rest = batch[...]
    }
    let batch = Array(rest.prefix(EventLoop.messagesPerLook))
    // An empty slice would keep the whole batch alive.
    rest = batch.count < rest.count ? rest.dropFirst(batch.count) : []
    hasRest = !rest.isEmpty
    receive(batch)
    return .perhapsMore
  }
}
