import AMQPClient

/// What a broker sends, from its first frame on.
func fuzzAMQP(_ input: UnsafeRawBufferPointer) {
  _ = Cuts(of: input).claimSameAccount { BrokerReader() }
}

private struct BrokerReader: StreamReader, ~Copyable {
  enum Item: Equatable {
    case method(AMQPMethod, channel: UInt16)
    case heartbeat(channel: UInt16)
    case message(ContentAssembler.Kind, [UInt8])
  }

  struct Account: Equatable {
    var items: [Item] = []
    var failure: AMQPFailure.Kind?
  }

  private static let bodyBytesMax = 1_024

  private var decoder = FrameDecoder()
  private var content = ContentAssembler(bodyBytesMax: bodyBytesMax)
  private(set) var account = Account()

  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool {
    var rest = UnsafeRawBufferPointer(read)
    do throws(AMQPFailure) {
      while let frame = try decoder.next(&rest) { try take(frame) }
      claim(rest.isEmpty, "the input is used up")
      return true
    } catch {
      claim(!error.message.contains("\n"), "a failure is one line")
      account.failure = error.kind
      return false
    }
  }

  private mutating func take(_ frame: AMQPFrame) throws(AMQPFailure) {
    switch frame {
    case .method(let method, let channel):
      account.items.append(.method(method, channel: channel))
      try take(method)
    case .heartbeat(let channel):
      account.items.append(.heartbeat(channel: channel))
    case .contentHeader(let bodyBytes, _):
      guard let kind = try content.header(bodyBytes: bodyBytes) else { return }
      account.items.append(.message(kind, []))
    case .contentBody(let fragment, _):
      guard let (kind, body) = try content.append(fragment) else { return }
      let whole = body ?? Array(fragment)
      claim(whole.count <= Self.bodyBytesMax, "a body has a limit")
      account.items.append(.message(kind, whole))
    }
  }

  private mutating func take(_ method: AMQPMethod) throws(AMQPFailure) {
    switch method {
    case .connectionTune(_, let frameMax, _):
      // What a connection agrees to: no less than the protocol's least, no more than its own.
      decoder.setFrameMax(min(max(frameMax, 4_096), 128 * 1_024), channelMax: 1)
    case .delivery(let tag, let routingKey):
      try content.begin(.delivery(tag: tag, routingKey: routingKey))
    case .returned(let code, let routingKey):
      try content.begin(.returned(code: code, routingKey: routingKey))
    default: break
    }
  }
}
