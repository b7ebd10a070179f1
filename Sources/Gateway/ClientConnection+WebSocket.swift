import Bytes
import Reactor
import WebSocket

// The connection as a WebSocket (RFC 6455).
extension ClientConnection {
  func startWebSocket(carrying session: SockJSSocket?, _ compression: DeflateParameters?) {
    phase = .open
    isOpened = true
    worker.counters.webSockets += 1
    stage = session.map { .carrying($0) } ?? .bare
    if let compression { startDeflate(compression) }
    clearStepDeadline()
    nextPing = worker.loop.now + worker.limits.pingInterval
    armTimer()
  }

  // MARK: Receiving

  func receiveFrames(_ input: UnsafeMutableRawBufferPointer) {
    // Read once, not per message: each is a class's property that another may hold.
    let application = worker.application
    let limits = worker.limits.message
    let isCarrier = isCarrier
    var offset = 0
    var hasMessage = false
    do throws(ProtocolError) {
      reading: while offset < input.count || !decoder.isIdle,
        let inbound = try decoder.next(in: input, at: &offset, limits: limits)
      {
        switch inbound {
        case .text(let payload):
          hasMessage = true
          guard phase == .open else { break }
          if isCarrier {
            receivedCarried(.text, payload)
          } else {
            application.received(.text, payload, on: self)
          }
        case .binary(let payload):
          hasMessage = true
          guard phase == .open else { break }
          if isCarrier {
            receivedCarried(.binary, payload)
          } else {
            application.received(.binary, payload, on: self)
          }
        case .deflated(let isText, let payload):
          hasMessage = true
          try receivedDeflated(isText, payload)
          if holdsBack(input, from: offset) { break reading }
        case .ping(let payload): receivedPing(payload)
        case .pong: countControlFrame()
        case .close(let code, _): receivedClose(code)
        }
        if phase == .closed || phase == .lingering { return }
      }
    } catch {
      worker.counters.protocolErrors += 1
      fail(error.closeCode, "\(error)")
      return
    }
    watchUnfinishedMessage(isNew: hasMessage)
  }

  // Out of line, as what inflates and what is rare: the optimiser would take their accesses and
  // registers out of the loop, where each message of a plain connection pays for them.
  @inline(never)
  private func receivedCarried(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
    carried?.received(kind, payload)
  }

  @inline(never)
  private func receivedPing(_ payload: UnsafeRawBufferPointer) {
    countControlFrame()
    // A peer that does not read gets no pile of pongs (section 5.5.3 asks for the last only).
    guard phase == .open, !isCongested else { return }
    socket.write { $0.appendFrame(.pong, payload) }
  }

  private func countControlFrame() {
    guard let controlFramesMax = worker.limits.controlFramesMax else { return }
    guard controlFrames < controlFramesMax else {
      return fail(.policyViolation, "too many control frames")
    }
    controlFrames += 1
  }

  @inline(never)
  private func receivedClose(_ code: CloseCode?) {
    if phase == .open {
      socket.write { $0.appendCloseFrame(code) }
    }
    linger()
  }

  /// A message begun and not finished has `messageTime` from its first read, whatever control
  /// frames come between. `isNew`: the read that began it ended another.
  private func watchUnfinishedMessage(isNew: Bool) {
    guard phase == .open else { return }
    if !decoder.isMidway {
      clearStepDeadline()
    } else if isNew || stepDeadline == .distantFuture {
      setStepDeadline(worker.limits.messageTime)
    }
  }

  func messageTimedOut() {
    // The rest may be in the kernel, where we leave it.
    guard socket.isReading else { return setStepDeadline(worker.limits.messageTime) }
    fail(.policyViolation, "message not finished in time")
  }

  // MARK: Pings

  func sendPing() {
    // A peer that we do not read cannot be heard; one that does not read us is not excused.
    if wasHeard {
      missedPings = 0
    } else if socket.isReading || isCongested {
      missedPings += 1
    }
    wasHeard = false
    controlFrames = 0
    nextPing = worker.loop.now + worker.limits.pingInterval
    if missedPings > 1 {
      close(worker.pingTimeoutCode, reason: "ping timeout")
    } else {
      socket.write { $0.appendFrame(.ping, UnsafeRawBufferPointer(start: nil, count: 0)) }
    }
  }

  /// Fails the connection (section 7.1.7): says why and does not wait for an answer.
  @inline(never)
  func fail(_ code: CloseCode, _ reason: String) {
    guard phase == .open || phase == .closing else { return }
    if phase == .open { socket.write { $0.appendCloseFrame(code, reason: reason) } }
    linger()
  }
}
