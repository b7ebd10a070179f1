package import Bytes

/// A session of a transport that is no WebSocket: who receives, what is due to go out, how it ends.
///
/// The owner tells the events, writes the frames that `next(into:)` gives, and keeps one timer for
/// the session. It tells the application that the session has opened when it has made one, and
/// that it has closed when it calls `close(_:)` itself or an event's action says so.
///
/// The last frame of a response is kept until the owner says that its receiver has it: meanwhile
/// the next receiver may come, but no frame is given to it. So a frame whose receiver turns out to
/// have gone before is the next one's, and none is lost between two.
package struct SockJSSessionState: ~Copyable {
  /// A response under way.
  private struct Response {
    let receiver: SockJSReceiver
    /// Bytes of the frames written to it.
    var bytes = 0
    var isHeartbeatDue = false
    /// Whether it ends with the next frame.
    var isEnding = false
  }

  /// What the last frame of the last response held.
  private enum Handed: ~Copyable {
    case open
    case messages(ByteBuffer)
    /// A heartbeat, or a close frame, which each receiver gets.
    case nothing
    /// The last of several frames: nobody can say how many of them arrived.
    case rest
  }

  private enum State {
    /// New: the open frame is due, and a close frame some time behind it if the session was closed
    /// at once.
    case opening(Response, SockJSClose?)
    case receiving(Response)
    /// Open, and between two receivers.
    case waiting
    /// The same, and no receiver has got the open frame yet.
    case unopened
    /// Closed: the close frame is due, behind the messages queued before.
    case closing(Response, SockJSClose)
    /// Closed, and kept so that the next receivers read why.
    case closed(SockJSClose)
    case forgotten
  }

  package enum Attachment: Equatable, Sendable {
    /// The receiver is the session's: write its prelude, then the frames.
    case attached
    /// Write the prelude and this close frame to the new receiver and end its response; the
    /// session's own receiver goes on.
    case refused(SockJSClose)
  }

  package enum Written: Equatable, Sendable {
    /// The buffer got a frame; there may be more.
    case frame
    /// The buffer got the response's last frame: end it, its receiver is detached.
    case lastFrame
  }

  package enum TimerAction: Equatable, Sendable {
    /// A heartbeat is due: take the frames.
    case write
    /// A receiver waits behind a frame that was never confirmed: call `interrupt()`.
    case interrupt
    /// An open session was without a receiver for too long: tell the application, forget it.
    case abandon
    /// A closed session was kept for long enough: forget it.
    case forget
  }

  package enum AbortAction: Equatable, Sendable {
    /// The session is closed by it: tell the application.
    case closed
    /// It was closed before.
    case none
  }

  private let limits: SockJSLimits
  private var state: State
  /// Messages for the next frame, quoted, with a comma behind each. Empty sessions own no memory.
  private var pending: ByteBuffer?
  /// Until the receiver is known to have it, or not to.
  private var handed: Handed?

  /// A new session, with the receiver that asked for it.
  package init(_ receiver: SockJSReceiver, limits: SockJSLimits) {
    self.limits = limits
    state = .opening(Response(receiver: receiver), nil)
  }

  // MARK: What the owner asks

  /// Whether the application may send and gets what comes.
  package var isOpen: Bool {
    switch state {
    case .opening(_, nil), .receiving, .waiting, .unopened: true
    case .opening(_, .some), .closing, .closed, .forgotten: false
    }
  }

  package var hasReceiver: Bool {
    switch state {
    case .opening, .receiving, .closing: true
    case .waiting, .unopened, .closed, .forgotten: false
    }
  }

  /// Whether the owner is to call `confirmed()` or `takeBack()`.
  package var isConfirmationDue: Bool {
    switch handed {
    case .some: true
    case .none: false
    }
  }

  /// Bytes of queued messages, quoted. Nothing here bounds them: an owner for which they are too
  /// many closes the session.
  package var pendingBytes: Int {
    switch pending {
    case .some(let messages): messages.count
    case .none: 0
    }
  }

  /// How long to wait from now until `timerFired()`; nil: no timer any more.
  ///
  /// The owner arms its timer anew when a receiver was attached or detached, and when the timer
  /// has fired; at no other event.
  package var timerDelay: Duration? {
    switch state {
    case .opening, .receiving, .closing: limits.heartbeatDelay
    case .waiting, .unopened, .closed: limits.disconnectDelay
    case .forgotten: nil
    }
  }

  // MARK: Receivers

  /// A request came to receive.
  package mutating func attach(_ receiver: SockJSReceiver) -> Attachment {
    switch state {
    case .opening, .receiving, .closing:
      return .refused(.anotherConnection)
    case .waiting:
      state = .receiving(Response(receiver: receiver))
      return .attached
    case .unopened:
      state = .opening(Response(receiver: receiver), nil)
      return .attached
    case .closed(let close):
      state = .closing(Response(receiver: receiver), close)
      return .attached
    case .forgotten:
      preconditionFailure("a receiver for a session that is forgotten")
    }
  }

  /// The receiver's connection ended before its response. What was on the way to it is lost, and
  /// nobody can say how much, so the session is closed.
  package mutating func receiverAborted() -> AbortAction {
    switch state {
    case .opening(_, nil), .receiving:
      pending = nil
      state = .closed(.interrupted)
      return .closed
    case .opening(_, .some(let close)), .closing(_, let close):
      pending = nil
      state = .closed(close)
      return .none
    case .waiting, .unopened, .closed, .forgotten:
      preconditionFailure("a receiver that the session does not have has ended")
    }
  }

  /// The receiver had gone before the session said anything to it. What was written to it already
  /// is lost as by `receiverAborted()`; if nothing was, the session goes on without it.
  package mutating func receiverMissed() -> AbortAction {
    switch state {
    case .opening(_, nil): state = .unopened
    case .opening(_, .some(let close)): state = .closed(close)
    case .receiving(let response) where response.bytes == 0: state = .waiting
    case .closing(let response, let close) where response.bytes == 0: state = .closed(close)
    case .receiving, .closing, .waiting, .unopened, .closed, .forgotten:
      return receiverAborted()
    }
    return .none
  }

  /// The receiver's response is to end with its next frame, which is due now: its client is to come
  /// again, perhaps elsewhere.
  package mutating func endResponse() {
    switch state {
    case .opening(var response, let close):
      response.isEnding = true
      state = .opening(response, close)
    case .receiving(var response):
      response.isEnding = true
      response.isHeartbeatDue = true
      state = .receiving(response)
    case .closing, .waiting, .unopened, .closed, .forgotten:
      break
    }
  }

  // MARK: The last frame of a response

  /// The receiver has the last frame of its response.
  package mutating func confirmed() { handed = nil }

  /// The last frame of a response reached nobody. What it held goes to the next receiver, ahead of
  /// all else; unless other frames went before it, which may be lost too, so that the session is
  /// closed.
  package mutating func takeBack() -> AbortAction {
    switch handed.take() {
    case .some(.open): takeBackOpen()
    case .some(.messages(let messages)): putFirst(messages)
    case .some(.rest): return interrupt()
    case .some(.nothing): break
    case .none: break
    }
    return .none
  }

  private mutating func takeBackOpen() {
    switch state {
    case .waiting: state = .unopened
    case .receiving(let response): state = .opening(response, nil)
    case .closing(let response, let close): state = .opening(response, close)
    case .opening, .unopened, .closed, .forgotten: break
    }
  }

  private mutating func putFirst(_ messages: consuming ByteBuffer) {
    if let later = pending.take() { messages.append(later.bytes) }
    pending = consume messages
  }

  /// Nobody can say what has reached the client: the session is closed.
  package mutating func interrupt() -> AbortAction {
    handed = nil
    let wasOpen = isOpen
    if wasOpen { pending = nil }
    switch state {
    case .opening(let response, nil), .receiving(let response):
      state = .closing(response, .interrupted)
    case .waiting, .unopened: state = .closed(.interrupted)
    case .opening(_, .some), .closing, .closed, .forgotten: break
    }
    return wasOpen ? .closed : .none
  }

  // MARK: Time

  /// The time is over that `timerDelay` gave.
  package mutating func timerFired() -> TimerAction {
    if isConfirmationDue, hasReceiver { return .interrupt }
    switch state {
    case .opening, .closing:
      // The frame that is due says as much as a heartbeat.
      return .write
    case .receiving(var response):
      response.isHeartbeatDue = true
      state = .receiving(response)
      return .write
    case .waiting, .unopened:
      pending = nil
      state = .forgotten
      return .abandon
    case .closed:
      state = .forgotten
      return .forget
    case .forgotten:
      preconditionFailure("a timer of a session that is forgotten")
    }
  }

  // MARK: Messages

  /// Queues a message; a session that is not open drops it.
  package mutating func enqueue(_ message: UnsafeRawBufferPointer) {
    guard isOpen else { return }
    var messages = pending.take() ?? ByteBuffer(minimumCapacity: message.count + 3)
    messages.appendQuoted(message)
    messages.append(UInt8(ascii: ","))
    pending = consume messages
  }

  /// The application closes the session: its receiver, and each that comes later, is told. A
  /// session that is closed already keeps its first reason.
  package mutating func close(_ close: SockJSClose) {
    switch state {
    case .opening(let response, nil): state = .opening(response, close)
    case .receiving(let response): state = .closing(response, close)
    case .waiting, .unopened: state = .closed(close)
    case .opening(_, .some), .closing, .closed, .forgotten: break
    }
  }

  // MARK: Frames

  /// Appends the next frame for the receiver, wrapped; nil when none is due or nobody receives.
  ///
  /// All messages queued until now go in one frame. Each frame is to be an HTTP chunk of its own.
  package mutating func next(into buffer: inout ByteBuffer) -> Written? {
    guard !isConfirmationDue else { return nil }
    switch state {
    case .opening(var response, let close):
      let isLast = write(.open, to: &response, into: &buffer)
      if isLast { handed = .open }
      if let close {
        state = isLast ? .closed(close) : .closing(response, close)
      } else {
        state = isLast ? .waiting : .receiving(response)
      }
      return isLast ? .lastFrame : .frame
    case .receiving(var response):
      guard pending != nil || response.isHeartbeatDue else { return nil }
      response.isHeartbeatDue = false
      let isLast = writePending(to: &response, into: &buffer)
      state = isLast ? .waiting : .receiving(response)
      return isLast ? .lastFrame : .frame
    case .closing(var response, let close):
      if pending != nil {
        let isLast = writePending(to: &response, into: &buffer)
        state = isLast ? .closed(close) : .closing(response, close)
        return isLast ? .lastFrame : .frame
      }
      handed = response.bytes == 0 ? .nothing : .rest
      _ = write(.close(close), to: &response, into: &buffer)
      state = .closed(close)
      return .lastFrame
    case .waiting, .unopened, .closed, .forgotten:
      return nil
    }
  }

  /// Writes the queued messages, or a heartbeat when there are none; true if the response ends
  /// behind it.
  private mutating func writePending(
    to response: inout Response, into buffer: inout ByteBuffer
  ) -> Bool {
    let isFirst = response.bytes == 0
    guard let messages = pending.take() else {
      let isLast = write(.heartbeat, to: &response, into: &buffer)
      if isLast { handed = isFirst ? .nothing : .rest }
      return isLast
    }
    let separated = UnsafeRawBufferPointer(rebasing: messages.bytes.dropLast())
    let isLast = write(.messages(separated), to: &response, into: &buffer)
    if isLast { handed = isFirst ? .messages(messages) : .rest }
    return isLast
  }

  private func write(
    _ frame: SockJSFrame, to response: inout Response, into buffer: inout ByteBuffer
  ) -> Bool {
    let start = buffer.count
    response.receiver.append(frame, to: &buffer)
    response.bytes += buffer.count - start
    return !response.receiver.isStreaming || response.isEnding
      || response.bytes >= limits.responseBytesMax
  }
}
