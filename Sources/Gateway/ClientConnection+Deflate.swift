import Bytes
import Reactor
import WebSocket

// The messages of a connection that may compress them (RFC 7692).
extension ClientConnection {
  func startDeflate(_ parameters: DeflateParameters) {
    guard let contexts = worker.deflate else { return }
    let session = contexts.session(parameters)
    if let carried { carried.deflate = session } else { stage = .deflating(session) }
    decoder = MessageDecoder(role: .server, takesDeflated: true)
  }

  /// Present where `decoder.takesDeflated` says so.
  private var deflate: DeflateSession? {
    switch stage {
    case .deflating(let session): session
    case .carrying(let carried): carried.deflate
    case .http, .bare: nil
    }
  }

  @inline(never)
  func receivedDeflated(
    _ isText: Bool, _ payload: UnsafeRawBufferPointer
  ) throws(ProtocolError) {
    guard phase == .open, let deflate, let contexts = worker.deflate else { return }
    let kind = isText ? MessageKind.text : .binary
    let limits = worker.limits.message
    try contexts.inflate(payload, isText: isText, limits: limits, for: deflate) { message in
      worker.inflation?.inflated(message.count)
      if let carried {
        carried.received(kind, message)
      } else {
        worker.application.received(kind, message, on: self)
      }
    }
  }

  // MARK: Frames that wait

  /// Keeps what came behind a message for a later turn, if the present one has inflated its share.
  @inline(never)
  func holdsBack(_ input: UnsafeMutableRawBufferPointer, from offset: Int) -> Bool {
    guard phase == .open, offset < input.count, let inflation = worker.inflation,
      inflation.isSpent
    else { return false }
    let rest = UnsafeMutableRawBufferPointer(rebasing: input[offset...])
    guard inflation.hold(rest, of: token) else {
      fail(.tryAgainLater, "too much to inflate")
      return true
    }
    hasHeldFrames = true
    socket.setReading(false)
    return true
  }

  /// The turn has come for frames that were held back.
  func goOnWithFrames() {
    // Where it is paused, `goOnReading()` asks again.
    guard !isPaused, hasHeldFrames else { return }
    var frames = takeHeldFrames()
    frames.withUnsafeMutableBytes { receiveFrames($0) }
    guard phase == .open || phase == .closing, !isPaused, !hasHeldFrames else { return }
    socket.setReading(true)
  }

  @discardableResult
  func takeHeldFrames() -> [UInt8] {
    hasHeldFrames = false
    return worker.inflation?.take(from: token) ?? []
  }

  /// The application minds no messages; what was held back comes before what is read.
  func goOnReading() {
    isPaused = false
    if hasHeldFrames {
      worker.inflation?.goOnLater(token)
    } else {
      socket.setReading(true)
    }
  }

  /// False where the message should go as it is.
  @inline(never)
  func sendDeflated(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Bool {
    guard let deflate, let contexts = worker.deflate else { return false }
    return contexts.deflate(payload, for: deflate) { deflated in
      socket.write { $0.appendDeflatedFrame(kind == .text ? .text : .binary, deflated) }
    }
  }

  /// The frame to send of a text for many: deflated once for all connections that keep no context
  /// and have the same window.
  @inline(never)
  func deflatedFrame(of text: inout SharedText) -> ArenaRange {
    guard let deflate, let contexts = worker.deflate, contexts.deflates(text.payload.count) else {
      return text.frame
    }
    let bits = deflate.parameters.serverWindowBits
    guard !deflate.parameters.serverKeepsContext else {
      return deflatedFrame(of: text, contexts, deflate)
    }
    if let known = text.deflatedFrames.first(where: { $0.windowBits == bits }) {
      return known.frame
    }
    let frame = deflatedFrame(of: text, contexts, deflate)
    text.deflatedFrames.append(DeflatedFrame(windowBits: bits, frame: frame))
    return frame
  }

  private func deflatedFrame(
    of text: SharedText, _ contexts: DeflateContexts, _ session: DeflateSession
  ) -> ArenaRange {
    let start = text.payload.offset
    let end = start + text.payload.count
    let encoded = worker.loop.encode { buffer in
      let frameStart = buffer.count
      let payload = UnsafeRawBufferPointer(rebasing: buffer.bytes[start..<end])
      _ = contexts.deflate(payload, for: session) { buffer.appendDeflatedFrame(.text, $0) }
      return frameStart..<buffer.count
    }
    return encoded.count > 0 ? encoded : text.frame
  }
}
