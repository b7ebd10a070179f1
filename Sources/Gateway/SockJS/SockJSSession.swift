import Bytes
package import Reactor
import SockJS
package import WebSocket

/// A session whose messages travel in HTTP requests, on the loop that owns it.
///
/// Lives from its first receiver until its client stays away for too long, or for a while behind
/// its end, so that a client that comes again learns of that. At most one request receives at a
/// time; those that send are answered when the application has taken what they bring.
package final class SockJSSession: Channel {
  /// Names a session on all nodes.
  struct Key: Hashable, Sendable {
    /// The index of its mount.
    var mount: Int
    var name: String
  }

  /// Requests that send and wait. A client sends one at a time.
  static let waitingMax = 8
  private static let takenLatelyMax = 16

  let key: Key
  /// Who opened it, if that is known; to others there is no such session.
  let owner: String?
  /// Whom the session is counted for.
  let addressPlace: AddressTable.Place
  private unowned let server: SockJSServer
  private let loop: EventLoop
  private var ownToken = Token(index: .max, generation: .max)
  private var state: SockJSSessionState
  private var outlet: SockJSOutlet?
  /// The request that receives, or did last: the bus may bring it twice.
  private var lastReceiver: SockJSExchange.Address
  /// The request that was given the last frame of its response and has not said that it has it.
  private var unconfirmed: SockJSMail?
  /// When the registry was told last that the session is here.
  private var claimedAt: Instant
  private var isOutletCongested = false
  private var isCongested = false
  private var isReading = true
  /// What came while the application took no more, with the requests to answer.
  private var waiting: [(payload: SockJSPayload, request: SockJSMail)] = []
  /// The last requests that sent: the bus may bring one twice.
  private var takenLately: [SockJSExchange.Address] = []

  init(
    _ key: Key, owner: String?, addressPlace: AddressTable.Place, receiver: SockJSReceiver,
    request: SockJSMail, on server: SockJSServer
  ) {
    self.key = key
    self.owner = owner
    self.addressPlace = addressPlace
    self.server = server
    loop = server.loop
    state = SockJSSessionState(receiver, limits: server.mounts[key.mount].service.limits)
    lastReceiver = request.exchange
    claimedAt = loop.now
    super.init()
    ownToken = loop.add(self)
    outlet = SockJSOutlet(to: request)
    server.answer(request, .accepted)
    receiverChanged()
  }

  package override var token: Token { ownToken }

  // MARK: Requests

  /// A request came to receive.
  func attach(_ receiver: SockJSReceiver, _ request: SockJSMail) {
    // The bus brought it twice.
    guard lastReceiver != request.exchange else { return }
    server.answer(request, .accepted)
    var newcomer = SockJSOutlet(to: request)
    switch state.attach(receiver) {
    case .attached:
      outlet = newcomer
      lastReceiver = request.exchange
      isOutletCongested = false
      receiverChanged()
    case .refused(let close):
      var frame = ByteBuffer()
      receiver.append(.close(close), to: &frame)
      newcomer.write(frame.bytes, isLast: true) { server.answer(request, $0) }
    }
  }

  /// The client of a receiver went. What was on the way to it is lost, so the session ends.
  func receiverLeft(_ exchange: SockJSExchange.Address) {
    receiverEnded(exchange) { $0.receiverAborted() }
  }

  /// The client of a receiver had gone before: what it was told last goes to the next one.
  func receiverMissed(_ exchange: SockJSExchange.Address) {
    receiverEnded(exchange) { $0.receiverMissed() }
  }

  private func receiverEnded(
    _ exchange: SockJSExchange.Address,
    _ end: (inout SockJSSessionState) -> SockJSSessionState.AbortAction
  ) {
    if unconfirmed?.exchange == exchange {
      unconfirmed = nil
      act(on: state.takeBack())
      return loop.scheduleFlush(token)
    }
    guard outlet?.exchange == exchange else { return }
    outlet = nil
    act(on: end(&state))
    receiverChanged()
  }

  /// The receiver has the last frame of its response.
  func confirmed(_ exchange: SockJSExchange.Address) {
    guard unconfirmed?.exchange == exchange else { return }
    unconfirmed = nil
    state.confirmed()
    if outlet != nil { loop.scheduleFlush(token) }
  }

  /// The receiver's client is to come again, elsewhere.
  func endResponse(to exchange: SockJSExchange.Address) {
    guard outlet?.exchange == exchange else { return }
    state.endResponse()
    loop.scheduleFlush(token)
  }

  /// What was said last may be lost.
  private func interrupt() {
    unconfirmed = nil
    act(on: state.interrupt())
    receiverChanged()
  }

  private func act(on action: SockJSSessionState.AbortAction) {
    if action == .closed { leaveApplication() }
  }

  /// The node of the receiver has gone, or frames to it may have been lost.
  func receiverLost(where isLost: (SockJSExchange.Address) -> Bool) {
    if let unconfirmed, isLost(unconfirmed.exchange) {
      server.answer(unconfirmed, .cut)
      interrupt()
    }
    guard let outlet, isLost(outlet.exchange) else { return }
    // If its node is there after all, its client is to know now and not when the silence is long.
    server.answer(outlet.request, .cut)
    receiverLeft(outlet.exchange)
  }

  func receiverCongested(_ exchange: SockJSExchange.Address, _ isCongested: Bool) {
    guard outlet?.exchange == exchange else { return }
    isOutletCongested = isCongested
    loop.scheduleFlush(token)
  }

  /// Messages of one request, which is answered when the application has taken them.
  func take(_ payload: SockJSPayload, _ request: SockJSMail) {
    guard !takenLately.contains(request.exchange) else { return server.answer(request, .taken) }
    guard state.isOpen else { return server.answer(request, .refused(.unknownSession)) }
    guard waiting.count < Self.waitingMax else { return server.answer(request, .refused(.busy)) }
    waiting.append((payload, request))
    takenLately.append(request.exchange)
    if takenLately.count > Self.takenLatelyMax { takenLately.removeFirst() }
    takeWaiting()
  }

  private func takeWaiting() {
    while isReading, !waiting.isEmpty {
      let (payload, request) = waiting.removeFirst()
      payload.withEach { message in
        if state.isOpen { server.application?.received(.text, message, on: self) }
      }
      server.answer(request, .taken)
    }
  }

  // MARK: The channel

  package override func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
    guard state.isOpen else { return }
    state.enqueue(payload)
    loop.scheduleFlush(token)
  }

  package override func send(_ text: inout SharedText) {
    loop.withBytes(of: text.payload) { send(.text, $0) }
  }

  package override func setReading(_ isReading: Bool) {
    self.isReading = isReading
    // Not at once: the application calls from where it handles messages.
    if isReading, !waiting.isEmpty { loop.scheduleFlush(token) }
  }

  package override func close(_ code: CloseCode, reason: String) {
    guard state.isOpen else { return }
    state.close(SockJSClose(code.rawValue, reason))
    leaveApplication()
    loop.scheduleFlush(token)
  }

  package override func flush() {
    takeWaiting()
    if !isOutletCongested { writeFrames() }
    updateCongestion()
  }

  package override func timerFired() {
    switch state.timerFired() {
    case .write:
      loop.scheduleFlush(token)
      armTimer()
    case .interrupt:
      interrupt()
    case .abandon:
      // If it is still there, its client is to know.
      if let unconfirmed { server.answer(unconfirmed, .cut) }
      leaveApplication()
      server.forget(self)
    case .forget:
      server.forget(self)
    }
  }

  private func writeFrames() {
    // Out of the session while it is written to, which may reach the session again.
    guard var outlet = self.outlet.take() else { return }
    var frame = ByteBuffer()
    while let written = state.next(into: &frame) {
      let isLast = written == .lastFrame
      let request = outlet.request
      if isLast { unconfirmed = request }
      outlet.write(frame.bytes, isLast: isLast) { server.answer(request, $0) }
      frame.removeAll()
      if isLast { return armTimer() }
    }
    self.outlet = outlet
  }

  private func updateCongestion() {
    guard state.pendingBytes <= server.limits.pendingBytesMax else { return overflow() }
    let isCongested =
      isOutletCongested || state.pendingBytes > server.limits.pendingBytesHigh
    guard isCongested != self.isCongested, state.isOpen else { return }
    self.isCongested = isCongested
    server.application?.congestionChanged(isCongested, on: self)
  }

  /// The client reads too slowly, or not at all: nothing that could be said would reach it.
  private func overflow() {
    if let outlet { server.answer(outlet.request, .cut) }
    outlet = nil
    if state.isOpen { leaveApplication() }
    server.forget(self)
  }

  // MARK: The end

  private func leaveApplication() {
    for (_, request) in waiting { server.answer(request, .refused(.unknownSession)) }
    waiting = []
    server.application?.closed(self)
  }

  private func receiverChanged() {
    armTimer()
    loop.scheduleFlush(token)
  }

  /// To be called when a receiver came or went and when the timer has fired, and only then: in
  /// between it runs.
  private func armTimer() {
    // At least once per heartbeat: often enough for a claim that lasts for an hour.
    if loop.now - claimedAt >= SockJSServer.claimInterval {
      claimedAt = loop.now
      server.claimAgain(key)
    }
    if let delay = state.timerDelay {
      loop.setTimer(for: token, at: loop.now + delay)
    } else {
      loop.cancelTimer(for: token)
    }
  }
}
