internal import Bytes
internal import CRabbitMQ
internal import Reactor

/// What a connection tells its client.
protocol AMQPConnectionOwner: AnyObject {
  func received(_ event: AMQPEvent)
  /// Once, last.
  func ended(_ failure: AMQPFailure)
}

/// One connection with one channel. Never blocks; heartbeats and time-outs are timers of the loop.
final class AMQPConnection: EventHandler {
  static let channel: UInt16 = 1

  private let loop: EventLoop
  private let owner: any AMQPConnectionOwner
  private let endpoint: AMQPEndpoint
  private let name: String
  private let setup: [AMQPSetup]
  private let limits: AMQPLimits
  private var socket: StreamSocket
  private var decoder = FrameDecoder()
  private var state: ConnectionState
  private var content: ContentAssembler
  private var frameMax: Int
  private var heartbeat: Duration = .zero
  /// The handshake and the close must end by then.
  private var deadline: Instant
  private var lastSent: Instant
  private var lastReceived: Instant
  private var isCongested = false
  private var isConnected = false

  init(
    to address: SocketAddress, layer: StreamLayer?, endpoint: AMQPEndpoint, name: String,
    setup: [AMQPSetup], limits: AMQPLimits, on loop: EventLoop, owner: any AMQPConnectionOwner
  ) throws(SystemError) {
    self.loop = loop
    self.owner = owner
    self.endpoint = endpoint
    self.name = name
    self.setup = setup
    self.limits = limits
    state = ConnectionState(setup: setup, limits: limits)
    content = ContentAssembler(bodyBytesMax: limits.bodyBytesMax)
    frameMax = Int(ConnectionState.frameMin)
    deadline = loop.now + limits.connectTimeout
    lastSent = loop.now
    lastReceived = loop.now
    socket = try StreamSocket.connect(to: address, layer: layer, on: loop)
    try socket.register(self)
    armTimer()
  }

  /// Says whether the message was taken.
  func publish(_ body: [UInt8], exchange: String, key: String) -> Bool {
    guard state.isOpen else { return false }
    guard socket.pendingBytes < limits.pendingBytesMax else {
      isCongested = true
      return false
    }
    let frameMax = frameMax
    write { buffer in
      FrameEncoder.publish(
        body, exchange: exchange, key: key, channel: Self.channel, frameMax: frameMax,
        into: &buffer)
    }
    return true
  }

  func acknowledge(upTo tag: UInt64) {
    guard state.isOpen else { return }
    write { FrameEncoder.acknowledge(upTo: tag, channel: Self.channel, into: &$0) }
  }

  func setReading(_ isReading: Bool) { socket.setReading(isReading) }

  /// Closes in order; `ended` follows when the broker has answered, or in time.
  func close() {
    guard state.close() else { return end(AMQPFailure(.lost, "closed")) }
    deadline = loop.now + limits.closeTimeout
    socket.setReading(true)
    write { FrameEncoder.close(into: &$0) }
    armTimer()
  }

  private func write(_ encode: (inout ByteBuffer) -> Void) { socket.write(encode) }

  private func end(_ failure: AMQPFailure) {
    guard socket.isOpen else { return }
    // What says goodbye is worth one attempt.
    _ = socket.flush()
    socket.close()
    owner.ended(failure)
  }

  // MARK: Events of the loop

  func becameReady(_ readiness: Readiness) {
    guard isConnected else { return finishConnecting() }
    if readiness.contains(.writable) { flush() }
    if !readiness.isDisjoint(with: [.readable, .closed]), socket.isOpen { read() }
  }

  private func finishConnecting() {
    do throws(SystemError) {
      try socket.finishConnecting()
      isConnected = true
      state.connected()
      write { $0.append(FrameEncoder.protocolHeader) }
    } catch {
      end(AMQPFailure(.unreachable, "\(error)"))
    }
  }

  func flush() {
    guard socket.isOpen else { return }
    let before = socket.pendingBytes
    switch socket.flush() {
    case .failed(let error):
      end(AMQPFailure(error))
    case .drained, .blocked:
      if socket.pendingBytes < before { lastSent = loop.now }
      if isCongested, socket.pendingBytes < limits.pendingBytesMax / 2 {
        isCongested = false
        owner.received(.writable)
      }
    }
  }

  func timerFired() {
    guard state.isTuned else {
      return end(AMQPFailure(.timedOut, "no answer to the handshake"))
    }
    if !state.isOpen, loop.now >= deadline {
      return end(AMQPFailure(.timedOut, "no answer to the set-up"))
    }
    if loop.now >= lastReceived + heartbeat * 2 {
      return end(AMQPFailure(.timedOut, "no heartbeat from the broker"))
    }
    // What waits for the kernel already proves nothing by growing.
    if loop.now >= lastSent + heartbeat / 2, socket.pendingBytes == 0 {
      lastSent = loop.now
      write { FrameEncoder.heartbeat(into: &$0) }
    }
    armTimer()
  }

  private func armTimer() {
    guard state.isTuned else { return loop.setTimer(for: socket.token, at: deadline) }
    let soon = loop.now + heartbeat / 4
    var due = min(max(lastSent + heartbeat / 2, soon), lastReceived + heartbeat * 2)
    if !state.isOpen { due = min(due, deadline) }
    loop.setTimer(for: socket.token, at: due)
  }

  // MARK: Frames

  private func read() {
    switch socket.receive() {
    case .bytes(let bytes):
      lastReceived = loop.now
      handle(UnsafeRawBufferPointer(bytes))
    case .wouldBlock: break
    case .ended: end(AMQPFailure(.lost, "the broker ended the connection"))
    case .failed(let error): end(AMQPFailure(error))
    }
  }

  private func handle(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    do throws(AMQPFailure) {
      // An event may have closed the connection.
      while socket.isOpen, let frame = try decoder.next(&rest) { try handle(frame) }
      if socket.isOpen { owner.received(.caughtUp) }
    } catch {
      end(error)
    }
  }

  private func handle(_ frame: AMQPFrame) throws(AMQPFailure) {
    switch frame {
    case .heartbeat(channel: 0): break
    case .method(let method, let channel):
      guard channel == method.channel else { throw AMQPFailure(.badFrame, "on another channel") }
      guard channel == 0 || content.isIdle else {
        throw AMQPFailure(.badFrame, "a method inside a message")
      }
      try handle(method)
    case .contentHeader(let count, Self.channel):
      guard let kind = try content.header(bodyBytes: count) else { return }
      tell(kind, UnsafeRawBufferPointer(start: nil, count: 0))
    case .contentBody(let fragment, Self.channel):
      guard let (kind, body) = try content.append(fragment) else { return }
      guard let body else { return tell(kind, fragment) }
      body.withUnsafeBytes { tell(kind, $0) }
    case .heartbeat, .contentHeader, .contentBody:
      throw AMQPFailure(.badFrame, "on another channel")
    }
  }

  private func tell(_ kind: ContentAssembler.Kind, _ body: UnsafeRawBufferPointer) {
    switch kind {
    case .delivery(let tag, let key):
      owner.received(.delivered(tag: tag, routingKey: key, body: body))
    case .returned(let code, let key):
      owner.received(.returned(code: code, routingKey: key, body: body))
    }
  }

  private func handle(_ method: AMQPMethod) throws(AMQPFailure) {
    switch method {
    case .connectionStart(let mechanisms): perform(state.receivedStart(mechanisms: mechanisms))
    case .connectionTune(let channelMax, let frameMax, let heartbeat):
      perform(
        state.receivedTune(
          .init(channelMax: channelMax, frameMax: frameMax, heartbeatSeconds: heartbeat)))
    case .connectionOpenOK: perform(state.receivedOpenOK())
    case .connectionClose(let code, let text):
      perform(state.receivedConnectionClose(code: code, text: text))
    case .connectionCloseOK: perform(state.receivedCloseOK())
    case .connectionBlocked(let reason): owner.received(.blocked(reason: reason))
    case .connectionUnblocked: owner.received(.unblocked)
    case .channelOpenOK: perform(state.receivedChannelOpenOK())
    case .channelClose(let code, let text):
      perform(state.receivedChannelClose(code: code, text: text))
    case .setupOK(let answer): perform(state.receivedSetupOK(answer))
    case .consumerCancelled:
      owner.received(.consumerCancelled)
      deadline = loop.now + limits.connectTimeout
      perform(state.receivedConsumerCancelled())
    case .delivery(let tag, let key): try content.begin(.delivery(tag: tag, routingKey: key))
    case .returned(let code, let key): try content.begin(.returned(code: code, routingKey: key))
    case .acknowledged(let tag, let isMultiple):
      owner.received(.confirmed(tag: tag, isMultiple: isMultiple, isAccepted: true))
    case .rejected(let tag, let isMultiple):
      owner.received(.confirmed(tag: tag, isMultiple: isMultiple, isAccepted: false))
    case .other(let id): perform(state.unexpected("method \(id >> 16).\(id & 0xffff)"))
    }
  }

  private func perform(_ action: ConnectionState.Action) {
    switch action {
    case .none: break
    case .startOK:
      write { FrameEncoder.startOK(endpoint, connectionName: name, into: &$0) }
    case .tuneOKAndOpen(let tuning): tune(tuning)
    case .openChannel: write { FrameEncoder.openChannel(Self.channel, into: &$0) }
    case .setUp:
      write { for step in setup { FrameEncoder.setUp(step, channel: Self.channel, into: &$0) } }
    case .becomeReady: owner.received(.ready)
    case .end(let failure): end(failure)
    case .answerCloseAndEnd(let failure):
      write { FrameEncoder.closeOK(into: &$0) }
      end(failure)
    case .closeAndEnd(let failure):
      write { FrameEncoder.close(into: &$0) }
      end(failure)
    }
  }

  private func tune(_ tuning: ConnectionState.Tuning) {
    frameMax = Int(tuning.frameMax)
    heartbeat = .seconds(Int64(tuning.heartbeatSeconds))
    decoder.setFrameMax(tuning.frameMax, channelMax: tuning.channelMax)
    write {
      FrameEncoder.tuneOK(
        channelMax: tuning.channelMax, frameMax: tuning.frameMax,
        heartbeat: tuning.heartbeatSeconds, into: &$0)
      FrameEncoder.open(endpoint.virtualHost, into: &$0)
    }
    armTimer()
  }
}

extension AMQPMethod {
  /// The channel that the method belongs on.
  fileprivate var channel: UInt16 {
    switch self {
    case .connectionStart, .connectionTune, .connectionOpenOK, .connectionClose,
      .connectionCloseOK, .connectionBlocked, .connectionUnblocked:
      0
    case .channelOpenOK, .channelClose, .setupOK, .consumerCancelled, .delivery, .returned,
      .acknowledged, .rejected:
      AMQPConnection.channel
    // Of the connection class (10), or of one that works on a channel.
    case .other(let id): id >> 16 == 10 ? 0 : AMQPConnection.channel
    }
  }
}
