/// The life of a connection with one channel, from the protocol header to the close.
struct ConnectionState {
  private enum State {
    case connecting
    case awaitingStart
    case awaitingTune
    case awaitingOpenOK
    case awaitingChannel
    /// The set-up's steps are sent; their answers come in the same order.
    case settingUp(ArraySlice<SetupAnswer>)
    case open
    /// We said close.
    case closing
    case closed
  }

  enum Action: Equatable {
    case none
    case startOK
    case tuneOKAndOpen(Tuning)
    case openChannel
    case setUp
    case becomeReady
    case end(AMQPFailure)
    /// The broker closed the connection: say `close-ok` first.
    case answerCloseAndEnd(AMQPFailure)
    /// The broker closed the channel: say `close` first, since a connection is its channel.
    case closeAndEnd(AMQPFailure)
  }

  struct Tuning: Equatable {
    var channelMax: UInt16
    var frameMax: UInt32
    var heartbeatSeconds: UInt16
  }

  /// What the protocol demands of every peer (section 4.2.3).
  static let frameMin: UInt32 = 4_096

  private let answers: [SetupAnswer]
  private let wanted: Tuning
  private var state = State.connecting

  init(setup: [AMQPSetup], limits: AMQPLimits) {
    precondition(!setup.isEmpty, "a channel that does nothing")
    answers = setup.map(\.answer)
    wanted = Tuning(
      channelMax: 1, frameMax: limits.frameBytesMax, heartbeatSeconds: limits.heartbeatSeconds)
  }

  var isOpen: Bool {
    if case .open = state { true } else { false }
  }

  /// Past the negotiation, so that heartbeats flow.
  var isTuned: Bool {
    switch state {
    case .awaitingOpenOK, .awaitingChannel, .settingUp, .open, .closing: true
    case .connecting, .awaitingStart, .awaitingTune, .closed: false
    }
  }

  /// The socket is connected: send the protocol header.
  mutating func connected() {
    guard case .connecting = state else { preconditionFailure("connected twice") }
    state = .awaitingStart
  }

  /// Says whether `close` is to be sent, and its answer awaited.
  mutating func close() -> Bool {
    switch state {
    case .awaitingOpenOK, .awaitingChannel, .settingUp, .open:
      state = .closing
      return true
    case .connecting, .awaitingStart, .awaitingTune, .closing, .closed:
      state = .closed
      return false
    }
  }

  mutating func receivedStart(mechanisms: String) -> Action {
    guard case .awaitingStart = state else { return unexpected("connection.start") }
    guard mechanisms.split(separator: " ").contains("PLAIN") else {
      return end(AMQPFailure(.refused(code: 403), "the broker offers no PLAIN authentication"))
    }
    state = .awaitingTune
    return .startOK
  }

  /// Zero stands for no limit and for no heartbeat; a broker that wants none gets ours.
  mutating func receivedTune(_ proposed: Tuning) -> Action {
    guard case .awaitingTune = state else { return unexpected("connection.tune") }
    guard proposed.frameMax == 0 || proposed.frameMax >= Self.frameMin else {
      return end(AMQPFailure(.badFrame, "a frame limit of \(proposed.frameMax)"))
    }
    func lower<Number: FixedWidthInteger>(_ ours: Number, _ theirs: Number) -> Number {
      theirs == 0 ? ours : min(ours, theirs)
    }
    state = .awaitingOpenOK
    return .tuneOKAndOpen(
      Tuning(
        channelMax: lower(wanted.channelMax, proposed.channelMax),
        frameMax: lower(wanted.frameMax, proposed.frameMax),
        heartbeatSeconds: lower(wanted.heartbeatSeconds, proposed.heartbeatSeconds)))
  }

  mutating func receivedOpenOK() -> Action {
    guard case .awaitingOpenOK = state else { return unexpected("connection.open-ok") }
    state = .awaitingChannel
    return .openChannel
  }

  mutating func receivedChannelOpenOK() -> Action {
    guard case .awaitingChannel = state else { return unexpected("channel.open-ok") }
    state = .settingUp(answers[...])
    return .setUp
  }

  mutating func receivedSetupOK(_ answer: SetupAnswer) -> Action {
    switch state {
    case .settingUp(var rest):
      guard rest.popFirst() == answer else { return unexpected("\(answer)") }
      state = rest.isEmpty ? .open : .settingUp(rest)
      return rest.isEmpty ? .becomeReady : .none
    case .closing:
      return .none
    case .connecting, .awaitingStart, .awaitingTune, .awaitingOpenOK, .awaitingChannel, .open,
      .closed:
      return unexpected("\(answer)")
    }
  }

  /// The queue is gone, or was taken from us: it is declared and consumed again.
  mutating func receivedConsumerCancelled() -> Action {
    switch state {
    case .open:
      state = .settingUp(answers[...])
      return .setUp
    case .settingUp, .closing:
      return end(AMQPFailure(.lost, "the consumer was cancelled during its set-up"))
    case .connecting, .awaitingStart, .awaitingTune, .awaitingOpenOK, .awaitingChannel, .closed:
      return unexpected("basic.cancel")
    }
  }

  mutating func receivedConnectionClose(code: UInt16, text: String) -> Action {
    guard !isBeforeStart else { return unexpected("connection.close") }
    state = .closed
    return .answerCloseAndEnd(AMQPFailure(.refused(code: code), text))
  }

  mutating func receivedChannelClose(code: UInt16, text: String) -> Action {
    switch state {
    case .awaitingChannel, .settingUp, .open:
      state = .closed
      return .closeAndEnd(AMQPFailure(.refused(code: code), text))
    case .closing:
      return .none
    case .connecting, .awaitingStart, .awaitingTune, .awaitingOpenOK, .closed:
      return unexpected("channel.close")
    }
  }

  mutating func receivedCloseOK() -> Action {
    guard case .closing = state else { return unexpected("connection.close-ok") }
    return end(AMQPFailure(.lost, "closed"))
  }

  mutating func unexpected(_ what: String) -> Action {
    end(AMQPFailure(.badFrame, "unexpected \(what)"))
  }

  private mutating func end(_ failure: AMQPFailure) -> Action {
    state = .closed
    return .end(failure)
  }

  private var isBeforeStart: Bool {
    switch state {
    case .connecting, .awaitingStart: true
    case .awaitingTune, .awaitingOpenOK, .awaitingChannel, .settingUp, .open, .closing, .closed:
      false
    }
  }
}
