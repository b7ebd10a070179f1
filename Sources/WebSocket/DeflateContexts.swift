import Bytes

/// The compression of all connections of a loop (permessage-deflate, RFC 7692).
///
/// Who keeps no context between messages borrows one from here for each message; nothing is held
/// in between. Confined to the loop. Its memory is bounded: an inflater, a deflater for each of
/// seven windows (1.4 MB if all are used), and two buffers.
package final class DeflateContexts {
  private let policy: CompressionPolicy
  private let places = ContextPlaces()
  private var inflater: Inflater?
  /// By the bits of their windows.
  private var deflaters = [Deflater?](repeating: nil, count: 16)
  private var sessions = [DeflateSession?](repeating: nil, count: 16)
  private var inflated = ByteBuffer(minimumCapacity: DeflateContexts.keptBytes)
  private var deflated = ByteBuffer(minimumCapacity: DeflateContexts.keptBytes)

  /// Of each buffer from one message to the next.
  private static let keptBytes = 64 * 1024

  package init(policy: CompressionPolicy) { self.policy = policy }

  /// What may be agreed to now: no more contexts than there are places for.
  package var policyNow: CompressionPolicy {
    var policy = policy
    policy.contextsMax = max(0, policy.contextsMax - places.taken)
    return policy
  }

  /// What a connection that agreed to `parameters` holds as long as it is open.
  package func session(_ parameters: DeflateParameters) -> DeflateSession {
    guard !parameters.keepsContext else {
      return DeflateSession(parameters, policy: policy, places: places)
    }
    let bits = parameters.serverWindowBits
    if let session = sessions[bits] { return session }
    let session = DeflateSession(parameters, policy: policy, places: places)
    sessions[bits] = session
    return session
  }

  /// Inflates a message and lets `body` have it; the bytes are valid there only.
  package func inflate(
    _ payload: UnsafeRawBufferPointer, isText: Bool, limits: MessageLimits,
    for session: DeflateSession, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(ProtocolError) {
    defer { Self.empty(&inflated) }
    try inflater(for: session).inflate(
      payload, isText: isText, bytesMax: limits.messageBytesMax, into: &inflated)
    body(inflated.bytes)
  }

  /// Whether a message of so many bytes is tried.
  package func deflates(_ messageBytes: Int) -> Bool {
    messageBytes >= max(policy.messageBytesMin, 1)
  }

  /// Deflates a message for a connection; false where it should go as it is. The bytes are
  /// valid inside `body` only.
  package func deflate(
    _ message: UnsafeRawBufferPointer, for session: DeflateSession,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) -> Bool {
    guard deflates(message.count) else { return false }
    defer { Self.empty(&deflated) }
    deflater(for: session).deflate(message, into: &deflated)
    // A reader who remembers needs every message that went through the context.
    guard
      deflated.count < message.count || session.deflater != nil || policy.messageBytesMin == 0
    else { return false }
    body(deflated.bytes)
    return true
  }

  private static func empty(_ buffer: inout ByteBuffer) {
    if buffer.capacity > keptBytes {
      buffer = ByteBuffer(minimumCapacity: keptBytes)
    } else {
      buffer.removeAll()
    }
  }

  private func inflater(for session: DeflateSession) -> Inflater {
    if let inflater = session.inflater { return inflater }
    let shared = inflater ?? Inflater(windowBits: 15)
    inflater = shared
    shared.reset()
    return shared
  }

  private func deflater(for session: DeflateSession) -> Deflater {
    if let deflater = session.deflater { return deflater }
    let bits = session.parameters.serverWindowBits
    let shared =
      deflaters[bits]
      ?? Deflater(
        windowBits: bits, memoryLevel: CompressionPolicy.sharedMemoryLevel, level: policy.level)
    deflaters[bits] = shared
    shared.reset()
    return shared
  }
}
