internal import Bytes
internal import CLinux
internal import Glibc

/// One epoll instance and the thread that runs it.
///
/// Confined to that thread; other threads reach it through its mailboxes. A turn waits for events,
/// calls the handlers that are ready, delivers mail, fires timers, flushes what was written, and
/// last frees the handlers that were removed during it. Mail that a turn posts to its own loop is
/// delivered in that turn, between two flushes.
package final class EventLoop {
  /// Readiness events taken from the kernel at once.
  private static let eventsMax = 512
  /// The buffer that every socket of this loop reads into; the most one `receive()` gives.
  package static let readBytes = 256 * 1024
  /// How often a flush delivers mail of the loop to itself; what is left waits for the next turn.
  private static let ownMailRoundsMax = 8

  package let name: String
  /// The clock, read once per turn.
  package private(set) var now: Instant
  /// The longest a turn has taken since `resetLongestTurn()`, without the wait.
  package private(set) var longestTurn: Duration = .zero

  private let poller: Int32
  private let waker: Waker
  private let events: UnsafeMutableBufferPointer<epoll_event>
  let state: UnsafeMutablePointer<LoopState>
  private var timers: TimerWheel
  private var mailboxes: [any MailboxReader] = []
  /// Handlers removed in this turn. They may be on the call stack, so they are freed at its end.
  private var removed: [any EventHandler] = []
  private var dueEntries: [TimerWheel.Entry] = []
  private var isStopping = false

  package init(name: String, kernel replacement: (any SystemCalls)? = nil) throws(SystemError) {
    self.name = name
    let kernel = Kernel(replacedBy: replacement)
    now = kernel.now()
    timers = TimerWheel(now: now)
    waker = try Waker()
    poller = try SystemError.check(clinux_epoll_create(), "epoll_create1")
    events = .allocate(capacity: Self.eventsMax)
    state = .allocate(capacity: 1)
    state.initialize(to: LoopState(of: self, kernel: kernel))
    let result = clinux_epoll_ctl(
      poller, EPOLL_CTL_ADD, waker.descriptor, CLINUX_EPOLLIN, Self.wakerWord)
    precondition(result == 0, "a new eventfd can be watched")
  }

  deinit {
    close(poller)
    events.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  package var kernel: Kernel { state.pointee.kernel }

  /// Handlers registered, with and without a descriptor.
  package var handlerCount: Int { state.pointee.handlers.count }

  package func resetLongestTurn() { longestTurn = .zero }

  /// Whether the calling thread is the one that runs this loop.
  package var isCurrent: Bool { clinux_current_loop() == identity }

  private var identity: UInt { waker.identity }

  // MARK: Handlers

  /// Adds a handler of timers and flushes only.
  package func add(_ handler: any EventHandler) -> Token {
    state.pointee.handlers.insert(handler, descriptor: -1)
  }

  /// Watches `descriptor` for `handler`, which the loop keeps alive until `remove(_:)`.
  package func add(
    _ handler: any EventHandler, descriptor: Int32, interest: Readiness
  ) throws(SystemError) -> Token {
    let token = state.pointee.handlers.insert(handler, descriptor: descriptor)
    state.pointee.handlers.update(token) { $0.interest = interest }
    let result = clinux_epoll_ctl(
      poller, EPOLL_CTL_ADD, descriptor, interest.events, token.word)
    if result < 0 {
      _ = state.pointee.handlers.remove(token)
      throw SystemError(code: -result, call: "epoll_ctl")
    }
    return token
  }

  /// Changes what the handler's descriptor is watched for; no system call when nothing changes.
  package func setInterest(_ interest: Readiness, for token: Token) {
    let descriptor = state.pointee.handlers.update(token) { slot -> Int32? in
      guard slot.interest != interest else { return nil }
      slot.interest = interest
      return slot.descriptor
    }
    guard let found = descriptor, let descriptor = found else { return }
    let result = clinux_epoll_ctl(
      poller, EPOLL_CTL_MOD, descriptor, interest.events, token.word)
    precondition(result == 0, "a watched descriptor was closed before it was removed")
  }

  /// Forgets the handler; the caller closes the descriptor afterwards. Its events of this turn are
  /// not delivered any more. A token that is out of date does nothing.
  package func remove(_ token: Token) {
    guard let slot = state.pointee.handlers.remove(token) else { return }
    if let handler = slot.handler { removed.append(handler) }
    guard slot.descriptor >= 0 else { return }
    let result = clinux_epoll_ctl(poller, EPOLL_CTL_DEL, slot.descriptor, 0, 0)
    precondition(result == 0, "a watched descriptor was closed before it was removed")
  }

  /// The handler that owns `token`, if it still does.
  package func handler(_ token: Token) -> (any EventHandler)? {
    state.pointee.handlers.handler(token)
  }

  // MARK: Timers and flushes

  /// Arms the handler's one timer, in place of what it was armed for. Fires up to 10 ms late.
  package func setTimer(for token: Token, at deadline: Instant) {
    let tick = timers.tick(due: deadline)
    let needsEntry = state.pointee.handlers.update(token) { slot in
      slot.deadline = tick
      // A timer that is put off keeps its entry, which is moved when it comes up.
      guard slot.entry == .never || slot.entry.isAfter(tick) else { return false }
      slot.entry = tick
      return true
    }
    if needsEntry == true { timers.insert(TimerWheel.Entry(token: token, tick: tick)) }
  }

  package func cancelTimer(for token: Token) {
    state.pointee.handlers.update(token) { $0.deadline = .never }
  }

  /// Has `flush()` called on the handler at the end of this turn, once however often asked.
  package func scheduleFlush(_ token: Token) {
    state.pointee.handlers.scheduleFlush(token)
  }

  // MARK: Mail

  /// A queue into this loop; `receive` runs on its thread with all that has come since the last.
  package func makeMailbox<Message: Sendable>(
    _ type: Message.Type = Message.self, _ receive: @escaping ([Message]) -> Void
  ) -> Mailbox<Message> {
    let mailbox = Mailbox<Message>(waker: waker)
    mailboxes.append(TypedMailboxReader(mailbox: mailbox, receive: receive))
    return mailbox
  }

  // MARK: Running

  /// Runs turns on the calling thread until `stop()`.
  package func run() {
    clinux_set_current_loop(identity)
    defer { clinux_set_current_loop(0) }
    while !isStopping { turn() }
  }

  /// Ends `run()` after the present turn.
  package func stop() { isStopping = true }

  /// One turn. Tests with a kernel of their own call it directly.
  package func turn() {
    let isIdle = !state.pointee.handlers.hasFlushes && !waker.hasOwn
    let timeout = !isIdle ? 0 : timers.millisecondsToNext(from: kernel.now())
    let count = kernel.wait(poller, events, for: timeout)
    precondition(count >= 0, "epoll_wait failed on a valid descriptor")
    now = kernel.now()
    var hasMail = false
    for index in 0..<Int(count) {
      let word = clinux_event_token(events.baseAddress! + index)
      if word == Self.wakerWord {
        hasMail = true
        continue
      }
      // An earlier handler of this turn may have closed the descriptor, and the kernel may have
      // given its number to another; the generation tells the two apart.
      let token = Token(word: word)
      guard let handler = state.pointee.handlers.handler(token) else { continue }
      handler.becameReady(Readiness(events: events[index].events))
      // One that answers its own peer is flushed while it is at hand.
      if state.pointee.handlers.takeOnlyFlush(token) {
        handler.flush()
        if !state.pointee.handlers.hasFlushes { state.pointee.arena.removeAll() }
      } else if state.pointee.arena.isLarge {
        flush()
      }
    }
    if hasMail { waker.reset() }
    let hasOwnMail = waker.takeOwn()
    if hasMail || hasOwnMail { deliverMail() }
    fireTimers()
    flush()
    removed.removeAll(keepingCapacity: removed.count <= 1024)
    let elapsed = kernel.now() - now
    if elapsed > longestTurn { longestTurn = elapsed }
  }

  private func deliverMail() {
    for mailbox in mailboxes {
      mailbox.deliver()
      if state.pointee.arena.isLarge { flush() }
    }
  }

  private func fireTimers() {
    while timers.advance(to: now, &dueEntries) {
      for entry in dueEntries { fire(entry) }
      dueEntries.removeAll(keepingCapacity: dueEntries.count <= 64)
    }
  }

  private func fire(_ entry: TimerWheel.Entry) {
    enum Due {
      case now
      case later(Tick)
      case unwanted
    }
    let present = timers.now
    let due = state.pointee.handlers.update(entry.token) { slot -> Due in
      guard slot.entry == entry.tick else { return .unwanted }
      if entry.tick.isAfter(present) { return .later(entry.tick) }
      guard slot.deadline != .never else {
        slot.entry = .never
        return .unwanted
      }
      if slot.deadline.isAfter(present) {
        slot.entry = slot.deadline
        return .later(slot.deadline)
      }
      slot.entry = .never
      slot.deadline = .never
      return .now
    }
    switch due {
    case .now:
      state.pointee.handlers.handler(entry.token)?.timerFired()
      if state.pointee.arena.isLarge { flush() }
    case .later(let tick):
      timers.insert(TimerWheel.Entry(token: entry.token, tick: tick))
    case .unwanted, nil: break
    }
  }

  private func flush() {
    var rounds = 0
    // A flush may close its connection and so make others write: they are taken in this pass.
    while let handler = state.pointee.handlers.takeFlush() {
      handler.flush()
      // At once: what this one asks of another handler leaves before the flushes behind it, which
      // may be many.
      if rounds < Self.ownMailRoundsMax, waker.takeOwn() {
        rounds += 1
        for mailbox in mailboxes { mailbox.deliver() }
      }
    }
    state.pointee.arena.removeAll()
  }

  /// No token: generations count from zero and do not come near this.
  private static let wakerWord = UInt64.max
}

extension Readiness {
  init(events: UInt32) {
    var readiness: Readiness = []
    if events & CLINUX_EPOLLIN != 0 { readiness.insert(.readable) }
    if events & CLINUX_EPOLLOUT != 0 { readiness.insert(.writable) }
    if events & (CLINUX_EPOLLERR | CLINUX_EPOLLHUP) != 0 { readiness.insert(.closed) }
    self = readiness
  }

  var events: UInt32 {
    (contains(.readable) ? CLINUX_EPOLLIN : 0) | (contains(.writable) ? CLINUX_EPOLLOUT : 0)
  }
}
