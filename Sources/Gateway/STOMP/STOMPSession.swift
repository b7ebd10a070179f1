import Bytes
import ChatCore
import ChatProtocol
import HTTP1
import Reactor
import STOMP
import WebSocket

/// One STOMP client: the channel that the hub knows, on top of the one that carries the bytes.
///
/// Frames of the client go to the hub as the commands of chat.v1 (`receive`), and the hub's events
/// come back as frames (`STOMPSession+Events.swift`), so that either protocol's users talk to the
/// other's. It is in the loop's table for its name, as the hub's session, and for its timer.
final class STOMPSession: Channel {
  let transport: Channel
  let loop: EventLoop
  static let limits = STOMPLimits()
  private let credentials: STOMPCredentials
  private var ownToken = Token(index: 0, generation: 0)
  private var decoder: FrameDecoder
  var session: ServerSession
  /// What the client offered of heart-beats; theirs and ours are agreed when it is connected.
  var clientHeartBeat = HeartBeat.none
  private var timing = STOMPTiming(frameTime: limits.frameTime)

  /// Who the hub says that the client is.
  var user: UserID?
  /// Whether `CONNECTED` was sent.
  private(set) var isReady = false
  /// Frames that wait for it: what is said before may be an `ERROR` only.
  private var early: [[UInt8]] = []
  /// Whether the last word was said.
  private(set) var hasEnded = false
  /// What the hub has not answered yet.
  var requestsUnderWay = 0
  /// Transactions whose messages are not all stored yet.
  var commits: [STOMPCommit] = []
  private var commitNumber: UInt64 = 0
  /// Since the last flush.
  private var turnBytes = 0
  /// Set by `DISCONNECT`, which ends the session when nothing is under way any more.
  private var farewell: Farewell?
  private var messageIDs: MessageIDs?

  private struct Farewell {
    var receipt: String?
  }

  init(over transport: Channel, request: RequestHead, on loop: EventLoop) {
    self.transport = transport
    self.loop = loop
    credentials = STOMPCredentials(request)
    decoder = FrameDecoder(limits: Self.limits.frame)
    session = ServerSession(limits: Self.limits.session)
    super.init()
    ownToken = loop.add(self)
  }

  override var token: Token { ownToken }

  /// The transport is gone.
  func leave() {
    hasEnded = true
    loop.remove(ownToken)
  }

  // MARK: Frames in

  /// Takes a message of the transport, which holds frames or parts of frames.
  func receive(_ payload: UnsafeRawBufferPointer, _ hub: Hub) {
    timing.received(at: loop.now)
    var offset = 0
    var hasFrame = false
    do throws(FrameError) {
      while !hasEnded, let frame = try decoder.next(in: payload, at: &offset) {
        hasFrame = true
        handle(frame, hub)
      }
    } catch {
      fail(error.message, receipt: nil, .protocolError)
      return
    }
    timing.setMidway(decoder.isMidway, isNew: hasFrame, at: loop.now)
    armTimer()
  }

  private func handle(_ frame: Frame, _ hub: Hub) {
    do throws(SessionError) {
      switch try session.received(frame) {
      case .connect(let connect): self.connect(connect, hub)
      case .send(let destination, let frame): send(frame, to: destination, hub)
      case .subscribe(let destination, let frame): subscribe(frame, to: destination, hub)
      case .commit(let frames, let receipt): commit(frames, receipt, hub)
      case .disconnect(let receipt):
        farewell = Farewell(receipt: receipt)
        leaveIfDone()
      case .done(let receipt): sendReceipt(receipt)
      }
    } catch {
      fail(error.message, receipt: error.receipt, .protocolError)
    }
    if early.count > Self.limits.earlyFramesMax {
      fail("wait for CONNECTED", receipt: nil, .protocolError)
    }
  }

  private func connect(_ connect: Request.Connect, _ hub: Hub) {
    decoder.version = connect.version
    clientHeartBeat = connect.heartBeat
    guard let user = credentials.user(connectingWith: connect.headers) else {
      fail("say who you are: a token, or a name as login", receipt: nil, .unauthorized)
      return
    }
    let device = connect.headers["device"]
    if let device, !Command.Hello.isDevice(device) {
      fail("device is not a valid name", receipt: nil, .protocolError)
      return
    }
    hub.received(
      .hello(Command.Hello(id: nil, user: user, token: nil, device: device, resume: [:])),
      from: sessionID)
  }

  private func subscribe(_ frame: Frame, to destination: String, _ hub: Hub) {
    let receipt = frame.receipt
    guard SpringDestination.isSource(destination) else {
      session.refuseSubscription()
      tell(.notFound, "no such destination", receipt: receipt)
      return
    }
    guard destination == SpringDestination.messages, let header = frame.headers["resume"] else {
      sendReceipt(receipt)
      return
    }
    do throws(CommandError) {
      let held = try SpringResume.decode(header)
      // Who holds nothing has missed nothing; what is on its way may come.
      guard !held.isEmpty else { return sendReceipt(receipt) }
      resume(held, receipt, hub)
    } catch {
      fail(error.message, receipt: receipt, .protocolError)
    }
  }

  /// What comes before the hub goes back is for the subscriptions that were there, and among the
  /// missed messages of this one.
  private func resume(_ held: [Address: UInt64], _ receipt: String?, _ hub: Hub) {
    let tag = RequestTag.resume(session.holdSubscription(), receipt: receipt)
    requestsUnderWay += 1
    hub.received(.resume(tag.requestID, held), from: sessionID)
  }

  private func send(_ frame: Frame, to destination: String, _ hub: Hub) {
    switch SpringDestination.action(of: destination) {
    case .message:
      post(frame, .send(receipt: frame.receipt), hub)
    case .typing:
      signal(frame, .other(receipt: frame.receipt), hub, SpringSignal.decodeTyping)
    case .read:
      signal(frame, .other(receipt: frame.receipt), hub, SpringSignal.decodeRead)
    case .other(let type):
      refuse(type, .other(receipt: frame.receipt), hub)
    }
  }

  private func refuse(_ type: String, _ tag: RequestTag, _ hub: Hub) {
    requestsUnderWay += 1
    hub.received(.unknown(tag.requestID, type: type), from: sessionID)
  }

  private func signal(
    _ frame: Frame, _ tag: RequestTag, _ hub: Hub,
    _ decode: (UnsafeRawBufferPointer, RequestID) throws(CommandError) -> Command
  ) {
    requestsUnderWay += 1
    do throws(CommandError) {
      let command = try decode(frame.body, tag.requestID)
      hub.received(command, from: sessionID)
      // Typing has no answer of its own.
      if case .typing = command { answered(tag, isDone: true) }
    } catch {
      hub.rejected(
        error.id, error.code, error.message, isMalformed: error.isMalformed, from: sessionID)
    }
  }

  /// The messages of a transaction become messages one by one: the store has no more to offer. The
  /// receipt is due when all of them are stored.
  private func commit(_ frames: [HeldFrame], _ receipt: String?, _ hub: Hub) {
    guard !frames.isEmpty else { return sendReceipt(receipt) }
    commitNumber += 1
    commits.append(STOMPCommit(number: commitNumber, due: frames.count, receipt: receipt))
    for held in frames {
      held.withFrame { frame in
        switch SpringDestination.action(of: frame.headers["destination"] ?? "") {
        case .message:
          post(frame, .commit(commitNumber), hub)
        case .typing:
          signal(frame, .commit(commitNumber), hub, SpringSignal.decodeTyping)
        case .read:
          signal(frame, .commit(commitNumber), hub, SpringSignal.decodeRead)
        case .other(let type):
          refuse(type, .commit(commitNumber), hub)
        }
      }
    }
  }

  private func post(_ frame: Frame, _ tag: RequestTag, _ hub: Hub) {
    requestsUnderWay += 1
    do throws(CommandError) {
      let messageID = frame.headers["messageId"] ?? frame.headers["id"]
      let send = try SpringSend.decode(frame.body, id: tag.requestID, messageID: messageID) {
        makeMessageID()
      }
      hub.received(.send(send), from: sessionID)
    } catch {
      hub.rejected(
        error.id, error.code, error.message, isMalformed: error.isMalformed, from: sessionID)
    }
  }

  private func makeMessageID() -> String {
    var ids = messageIDs ?? MessageIDs()
    defer { messageIDs = ids }
    return ids.next()
  }

  // MARK: Frames out

  /// Sends a frame, which `encode` appends, behind `CONNECTED`.
  func transmit(_ encode: (inout ByteBuffer) -> Void) {
    if isReady {
      write(encode)
    } else if !hasEnded {
      early.append([UInt8](encoding: encode))
    }
  }

  private func write(_ encode: (inout ByteBuffer) -> Void) {
    guard !hasEnded else { return }
    timing.sent(at: loop.now)
    var text = SharedText(on: loop, encode)
    if turnBytes == 0 { loop.scheduleFlush(ownToken) }
    turnBytes += text.payload.count
    transport.send(&text)
  }

  /// Whether the session may be sent more before the next flush.
  var hasRoomInTurn: Bool { turnBytes <= Self.limits.turnBytesMax }

  override func flush() { turnBytes = 0 }

  /// The hub knows the user: the client is told so, and then whatever waited for that.
  func becomeReady(_ connected: Connected) {
    isReady = true
    transmit { $0.append(connected) }
    for frame in early { transmit { $0.append(frame) } }
    early = []
    startHeartBeats()
    leaveIfDone()
  }

  func sendReceipt(_ receipt: String?) {
    guard let receipt else { return }
    transmit { $0.appendReceipt(receipt, session.version) }
  }

  /// Says what is wrong and closes.
  func fail(_ message: String, receipt: String?, _ code: CloseCode) {
    write { $0.appendError(message, receipt: receipt, session.version) }
    end(code, reason: message)
  }

  /// Ends the session behind `DISCONNECT`, once all that was asked before is answered (STOMP 1.2,
  /// DISCONNECT).
  func leaveIfDone() {
    guard let farewell, isReady, requestsUnderWay == 0 else { return }
    sendReceipt(farewell.receipt)
    end(.normal, reason: "")
  }

  private func end(_ code: CloseCode, reason: String) {
    guard !hasEnded else { return }
    hasEnded = true
    loop.cancelTimer(for: ownToken)
    transport.close(code, reason: reason)
  }

  // MARK: As the hub's channel

  override func send(_ event: borrowing Event, _ forms: inout EventForms) {
    if !hasEnded { handle(event, &forms) }
  }

  override func setReading(_ isReading: Bool) {
    timing.setReading(isReading, at: loop.now)
    armTimer()
    transport.setReading(isReading)
  }

  override func close(_ code: CloseCode, reason: String) {
    fail(reason, receipt: nil, code)
  }

  // MARK: Time

  /// The client is connected: both sides know the other's heart-beats.
  private func startHeartBeats() {
    timing.agree(
      outgoing: Self.limits.heartBeat.outgoing(to: clientHeartBeat),
      incoming: clientHeartBeat.outgoing(to: Self.limits.heartBeat), Self.limits.silenceFactor,
      at: loop.now)
    armTimer()
  }

  private func armTimer() {
    guard !hasEnded, let deadline = timing.nextDeadline else { return }
    loop.setTimer(for: ownToken, at: deadline)
  }

  override func timerFired() {
    switch timing.due(at: loop.now) {
    case .beat: transmit { $0.append(ASCII.lineFeed) }
    case .silent: fail("no heart-beat in time", receipt: nil, .pingTimeout)
    case .unfinished: fail("frame not finished in time", receipt: nil, .policyViolation)
    case nil: break
    }
    armTimer()
  }
}
