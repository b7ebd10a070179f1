internal import Bytes
internal import CLinux
internal import Glibc

/// One epoll instance and the thread that runs it.
///
/// Confined to that thread; other threads reach it through its mailboxes. A turn waits for events,
/// calls the handlers that are ready, delivers mail, fires timers, flushes what was written, and
/// last frees the handlers that were removed during it. A turn that has become long leaves the
/// rest of its events and mail to the next: 512 connections that all say hello took 25 ms. Mail that
/// a flush posts to its own loop is delivered behind it, up to a bound, without a system call.
package final class EventLoop {
  /// Readiness events taken from the kernel at once.
  private static let eventsMax = 512
  /// When a turn takes no more events, so that a flood of them keeps no mail waiting; and how long a
  /// connection to a back end hands out replies in one call.
  package static let eventTime = Duration.milliseconds(2)
  /// When a turn takes no more mail, so that a flood of it keeps no event waiting. Every turn takes
  /// some of both.
  package static let mailTime = Duration.milliseconds(4)
  /// Events and messages handled between two looks at the clock.
  private static let eventsPerLook = 8
  static let messagesPerLook = 32
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
  /// Those taken from the kernel last that no turn has come to yet.
  private var eventsLeft = 0..<0
  /// Whether a mailbox may hold something for this turn.
  private var hasMail = false
  /// Whether the waker's event has come.
  private var hasRung = false
  let state: UnsafeMutablePointer<LoopState>
  private var timers: TimerWheel
  private var mailboxes: [any MailboxReader] = []
  /// Handlers removed in this turn. They may be on the call stack, so they are freed at its end.
  private var removed: [any EventHandler] = []
  private var dueEntries: [TimerWheel.Entry] = []
  /// Those that asked for this turn, and for the next one.
  private var continuing: [Token] = []
  private var continuingNext: [Token] = []
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

  /// Memory for what the loop's sockets could not send yet, in bytes.
  package var backlogBytes: Int { state.pointee.blocks.takenBytes }

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
    if needsEntry == true { timers.insert(TimerWheel.Entry(slot: token.index, tick: tick)) }
  }

  package func cancelTimer(for token: Token) {
    state.pointee.handlers.update(token) { $0.deadline = .never }
  }

  /// Has `timerFired()` called in the next turn, which does not wait for events, whatever the timer
  /// is armed for: for work in shares, each of which leaves before the next one is begun.
  package func fireInNextTurn(_ token: Token) {
    // A handful at most.
    if !continuingNext.contains(token) { continuingNext.append(token) }
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
    swap(&continuing, &continuingNext)
    let areOld = !eventsLeft.isEmpty
    if !areOld { takeEvents() }
    now = kernel.now()
    handleEvents(areOld: areOld)
    if hasRung || waker.isPending { resetWaker() }
    if waker.takeOwn() { hasMail = true }
    if hasMail { deliverMail() }
    fireTimers()
    flush()
    removed.removeAll(keepingCapacity: removed.count <= 1024)
    let elapsed = kernel.now() - now
    if elapsed > longestTurn { longestTurn = elapsed }
  }

  private func takeEvents() {
    let isBusy = hasMail || !continuing.isEmpty || waker.hasOwn || state.pointee.handlers.hasFlushes
    let timeout = isBusy ? 0 : timers.millisecondsToNext(from: kernel.now())
    let count = kernel.wait(poller, events, for: timeout)
    precondition(count >= 0, "epoll_wait failed on a valid descriptor")
    eventsLeft = 0..<Int(count)
  }

  /// - Parameter areOld: the events were taken in an earlier turn, in which a handler may have
  ///   stopped to care for them.
  private func handleEvents(areOld: Bool) {
    let end = now + Self.eventTime
    for index in eventsLeft {
      handle(events.baseAddress! + index, isOld: areOld)
      if state.pointee.arena.isLarge { flush() }
      if index % Self.eventsPerLook == Self.eventsPerLook - 1, kernel.now() >= end {
        eventsLeft = index + 1..<eventsLeft.upperBound
        return
      }
    }
    eventsLeft = 0..<0
  }

  private func handle(_ event: UnsafeMutablePointer<epoll_event>, isOld: Bool) {
    let word = clinux_event_token(event)
    if word == Self.wakerWord {
      hasRung = true
      return
    }
    // A handler called before may have closed the descriptor, and the kernel may have given its
    // number to another; the generation tells the two apart.
    let token = Token(word: word)
    guard let handler = state.pointee.handlers.handler(token) else { return }
    var readiness = Readiness(events: event.pointee.events)
    // Nor may an end come to who has ceased to ask for it, earlier in this turn.
    if isOld || readiness.contains(.ended) {
      let interest = state.pointee.handlers.update(token) { $0.interest } ?? []
      readiness.formIntersection(interest.union(.closed))
      guard !readiness.isEmpty else { return }
    }
    handler.becameReady(readiness)
  }

  private func resetWaker() {
    waker.reset()
    hasRung = false
    hasMail = true
  }

  private func deliverMail() {
    hasMail = false
    let end = now + Self.mailTime
    for mailbox in mailboxes {
      while mailbox.deliverSome() == .perhapsMore {
        if state.pointee.arena.isLarge { flush() }
        if kernel.now() >= end {
          hasMail = true
          break
        }
      }
      if state.pointee.arena.isLarge { flush() }
    }
  }

  private func fireTimers() {
    for token in continuing { state.pointee.handlers.handler(token)?.timerFired() }
    continuing.removeAll(keepingCapacity: true)
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
    let token = state.pointee.handlers.token(at: entry.slot)
    let due = state.pointee.handlers.update(token) { slot -> Due in
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
      state.pointee.handlers.handler(token)?.timerFired()
      if state.pointee.arena.isLarge { flush() }
    case .later(let tick):
      timers.insert(TimerWheel.Entry(slot: entry.slot, tick: tick))
    case .unwanted, nil: break
    }
  }

  // All reads of a turn, then all writes: echoes that came alone cost 1 to 2 % more CPU when each
  // was written right behind its read, since the kernel's code for either then left the cache.
  private func flush() {
    var rounds = 0
    // A flush may close its connection and so make others write: they are taken in this pass.
    while let handler = state.pointee.handlers.takeFlush() {
      handler.flush()
      // At once: what this one asks of another handler leaves before the flushes behind it, which
      // may be many.
      if rounds < Self.ownMailRoundsMax, waker.takeOwn() {
        rounds += 1
        for mailbox in mailboxes where mailbox.deliverSome() == .perhapsMore { hasMail = true }
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
    if events & CLINUX_EPOLLRDHUP != 0 { readiness.insert(.ended) }
    self = readiness
  }

  var events: UInt32 {
    (contains(.readable) ? CLINUX_EPOLLIN : 0) | (contains(.writable) ? CLINUX_EPOLLOUT : 0)
      | (contains(.ended) ? CLINUX_EPOLLRDHUP : 0)
  }
}
