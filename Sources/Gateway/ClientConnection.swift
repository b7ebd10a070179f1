import Forwarding
package import Reactor
package import WebSocket

/// One client's connection: an HTTP/1.1 connection that may become a WebSocket.
///
/// Confined to its worker's loop, which keeps it alive until it is closed. What it does with the
/// bytes of each phase is in `ClientConnection+HTTP.swift` and `ClientConnection+WebSocket.swift`.
package final class ClientConnection: Channel {
  enum Phase {
    /// Requests are read and answered in order.
    case requests
    /// Messages go both ways.
    case open
    /// We sent a close frame and wait for the peer's.
    case closing
    /// All is said: what is pending goes out, what comes in is thrown away, so that the peer reads
    /// our last bytes and not a reset (RFC 9112 section 9.6).
    case lingering
    case closed
  }

  /// What belongs to the phase.
  enum Stage {
    case http(HTTPStage)
    /// The application's messages, or nothing any more.
    case bare
    /// The application's messages, which may be compressed.
    case deflating(DeflateSession)
    /// Messages of a SockJS session.
    case carrying(SockJSSocket)
  }

  let worker: Worker
  // Each message goes through these two once or twice, and every checked access to a class's
  // property costs about 40 instructions. Their methods never call out while they run, so that
  // two accesses cannot overlap.
  @exclusivity(unchecked) var socket: StreamSocket
  @exclusivity(unchecked) var decoder = MessageDecoder(role: .server)
  var phase = Phase.requests
  /// Whom the connection is counted for on its worker.
  var addressPlace: AddressTable.Place
  var stage: Stage
  var isCongested = false
  /// Whether the application wants no messages for now.
  var isPaused = false
  /// Whether frames wait in the worker's `inflation`, behind a message with which the turn had
  /// inflated its share: at most one read of the socket, because nothing more is read meanwhile.
  var hasHeldFrames = false
  /// Whether the application was told `opened` and not yet `closed`.
  var isOpened = false
  /// Whether a byte came since the last ping, and pings that brought none.
  var wasHeard = false
  var missedPings: UInt8 = 0
  var controlFrames: UInt16 = 0
  var nextPing = Instant.distantFuture
  /// The end of the present step: a request, an unfinished message, the closing handshake.
  var stepDeadline = Instant.distantFuture

  /// - Parameters:
  ///   - addressPlace: whom the worker counts the connection for.
  ///   - proxy: the trusted proxy that it is from, if it is from one.
  ///   - layer: TLS, where the worker speaks it.
  init(
    worker: Worker, descriptor: Int32, addressPlace: AddressTable.Place, proxy: IPAddress?,
    layer: StreamLayer?
  ) {
    self.worker = worker
    self.addressPlace = addressPlace
    socket = StreamSocket(adopting: descriptor, layer: layer, on: worker.loop)
    stage = .http(HTTPStage(proxy: proxy))
    super.init()
  }

  /// Names the connection on its worker, also after it has closed.
  package override var token: Token { socket.token }

  /// Present while the connection speaks HTTP.
  var http: HTTPStage? {
    if case .http(let http) = stage { http } else { nil }
  }

  /// Present while the connection is a WebSocket that carries a SockJS session.
  var carried: SockJSSocket? {
    if case .carrying(let session) = stage { session } else { nil }
  }

  var isCarrier: Bool {
    if case .carrying = stage { true } else { false }
  }

  func start() throws(SystemError) {
    try socket.register(self)
    setStepDeadline(worker.limits.requestTime)
  }

  // MARK: Events

  package override func becameReady(_ readiness: Readiness) {
    if readiness.contains(.writable) {
      flush()
      if phase == .closed { return }
    }
    if readiness.contains(.readable) {
      receive()
    } else if !readiness.isDisjoint(with: [.closed, .ended]) {
      end()
    }
  }

  private func receive() {
    switch socket.receive() {
    case .bytes(let input):
      wasHeard = true
      switch phase {
      case .open, .closing: receiveFrames(input)
      case .requests: receiveRequests(input)
      case .lingering, .closed: break
      }
    case .wouldBlock: break
    case .ended: receivedEnd()
    case .failed: end()
    }
  }

  /// The peer will send no more. One that asked and waits for its answers still reads them, unless
  /// it is a responder that answers: pages that leave end their side first. One that leaves a
  /// WebSocket so, without a close frame, is gone (RFC 6455 section 7.1.5).
  private func receivedEnd() {
    switch phase {
    case .requests where http?.responder != nil:
      end()
    case .requests where http?.isWaiting == true:
      http?.isLast = true
      socket.setReading(false)
    case .requests where socket.pendingBytes > 0:
      linger()
    case .lingering where socket.pendingBytes > 0:
      socket.setReading(false)
    case .requests, .open, .closing, .lingering, .closed:
      end()
    }
  }

  package override func flush() {
    switch socket.flush() {
    case .drained:
      if isCongested { setCongested(false) }
      switch phase {
      case .requests: resumeRequests()
      case .lingering:
        socket.shutdownWriting()
        socket.setReading(true)
      case .open, .closing, .closed: break
      }
    case .blocked(let pendingBytes):
      blocked(pendingBytes)
    case .failed:
      end()
    }
  }

  @inline(never)
  private func blocked(_ pendingBytes: Int) {
    let bounds = worker.pendingBounds
    if pendingBytes > bounds.max {
      worker.counters.overflows += 1
      end()
    } else if pendingBytes > bounds.high, !isCongested {
      setCongested(true)
    }
  }

  private func setCongested(_ isCongested: Bool) {
    self.isCongested = isCongested
    switch stage {
    case .http(let http): http.responder?.congestionChanged(isCongested, on: self)
    case .carrying(let session): session.congestionChanged(isCongested)
    case .bare, .deflating:
      if isOpened, phase == .open { worker.application.congestionChanged(isCongested, on: self) }
    }
  }

  package override func timerFired() {
    let now = worker.loop.now
    if now >= stepDeadline {
      stepDeadline = .distantFuture
      stepTimedOut()
    }
    if now >= nextPing, phase == .open { sendPing() }
    armTimer()
  }

  private func stepTimedOut() {
    switch phase {
    case .requests: requestTimedOut()
    case .open: messageTimedOut()
    case .closing, .lingering: end()
    case .closed: break
    }
  }

  // MARK: The channel, once the connection is a WebSocket

  /// Sends one message.
  package override func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
    guard phase == .open else { return }
    if decoder.takesDeflated, sendDeflated(kind, payload) { return }
    socket.write { $0.appendFrame(kind == .text ? .text : .binary, payload) }
  }

  package override func send(_ text: inout SharedText) {
    guard phase == .open else { return }
    socket.write(decoder.takesDeflated ? deflatedFrame(of: &text) : text.frame)
  }

  /// Stops or goes on taking messages from the peer.
  package override func setReading(_ isReading: Bool) {
    guard phase == .open else { return }
    guard !isReading else { return goOnReading() }
    isPaused = true
    socket.setReading(false)
  }

  /// Starts the closing handshake (section 7.1.2). Messages that come later are thrown away.
  package override func close(_ code: CloseCode, reason: String) {
    guard phase == .open else { return }
    phase = .closing
    nextPing = .distantFuture
    socket.write { $0.appendCloseFrame(code, reason: reason) }
    goOnReading()
    setStepDeadline(worker.limits.closeTime)
  }

  // MARK: Timers

  func setStepDeadline(_ time: Duration) {
    stepDeadline = worker.loop.now + time
    armTimer()
  }

  func clearStepDeadline() { stepDeadline = .distantFuture }

  /// Arms the one timer for whatever comes first; a deadline that was put off is found out when
  /// the timer fires.
  func armTimer() {
    let next = min(stepDeadline, nextPing)
    if next != .distantFuture, phase != .closed { worker.loop.setTimer(for: token, at: next) }
  }

  // MARK: Ends

  /// Sends what is pending, then closes, giving the peer `closeTime` to read it.
  func linger() {
    guard phase != .closed, phase != .lingering else { return }
    // That of the closing handshake runs on.
    if phase != .closing { setStepDeadline(worker.limits.closeTime) }
    phase = .lingering
    nextPing = .distantFuture
    let stage = leaveStage()
    decoder = MessageDecoder(role: .server)
    if hasHeldFrames { takeHeldFrames() }
    socket.setReading(true)
    // Asks for a flush even if nothing is pending: its end is what shuts the sending side.
    worker.loop.scheduleFlush(token)
    left(stage)
  }

  /// Closes at once.
  package func end() {
    guard phase != .closed else { return }
    phase = .closed
    let stage = leaveStage()
    if hasHeldFrames { takeHeldFrames() }
    socket.close()
    worker.ended(self)
    left(stage)
  }

  private func leaveStage() -> Stage {
    defer { stage = .bare }
    return stage
  }

  /// Tells whoever it concerns, last of all, since they may call the connection.
  @inline(never)
  private func left(_ stage: Stage) {
    if case .http(let http) = stage { http.responder?.aborted(self) }
    guard isOpened else { return }
    isOpened = false
    worker.counters.webSockets -= 1
    if case .carrying(let session) = stage {
      session.closed()
    } else {
      worker.application.closed(self)
    }
  }
}
