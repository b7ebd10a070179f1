internal import CRabbitMQ

/// A frame from the broker. Its bytes are valid until the next call of the decoder.
package enum AMQPFrame {
  case method(AMQPMethod, channel: UInt16)
  case contentHeader(bodyBytes: UInt64, channel: UInt16)
  case contentBody(UnsafeRawBufferPointer, channel: UInt16)
  case heartbeat(channel: UInt16)
}

/// Bytes to frames, through librabbitmq without its sockets.
package struct FrameDecoder: ~Copyable {
  private let state: amqp_connection_state_t
  /// The next byte is the first of a frame.
  private var isBetweenFrames = true
  private var isFirstFrame = true
  /// The channel whose memory the last frame stands in.
  private var lastChannel: UInt16?

  package init() {
    guard let state = amqp_new_connection() else { preconditionFailure("out of memory") }
    self.state = state
  }

  deinit { amqp_destroy_connection(state) }

  /// Takes one frame off the front of `bytes`, or all of them and returns nil when they are the
  /// beginning of one.
  package mutating func next(
    _ bytes: inout UnsafeRawBufferPointer
  ) throws(AMQPFailure) -> AMQPFrame? {
    release()
    guard let type = bytes.first else { return nil }
    if isBetweenFrames { try check(type: type) }
    var frame = amqp_frame_t()
    // While it is incomplete, the library takes a frame piece by piece: header, then body.
    while !bytes.isEmpty, frame.frame_type == 0 {
      let input = amqp_bytes_t(
        len: bytes.count, bytes: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
      let used = amqp_handle_input(state, input, &frame)
      guard used > 0, Int(used) <= bytes.count else {
        throw AMQPFailure(.badFrame, String(cString: amqp_error_string2(used)))
      }
      bytes = UnsafeRawBufferPointer(rebasing: bytes[Int(used)...])
    }
    isBetweenFrames = frame.frame_type != 0
    guard isBetweenFrames else { return nil }
    isFirstFrame = false
    lastChannel = frame.channel
    return try Self.frame(frame)
  }

  /// The library skips frames of a type that it does not know, and keeps their memory.
  private func check(type: UInt8) throws(AMQPFailure) {
    switch Int32(type) {
    case AMQP_FRAME_METHOD, AMQP_FRAME_HEADER, AMQP_FRAME_BODY, AMQP_FRAME_HEARTBEAT: break
    // The protocol header, from a broker that speaks another version.
    case Int32(UInt8(ascii: "A")) where isFirstFrame: break
    default: throw AMQPFailure(.badFrame, "of type \(type)")
    }
  }

  /// Allows frames of the negotiated size. Only between frames.
  package mutating func setFrameMax(_ frameMax: UInt32, channelMax: UInt16) {
    release()
    // The library's own heartbeats stay off: it has no socket to send them to.
    let status = amqp_tune_connection(state, Int32(channelMax), Int32(frameMax), 0)
    precondition(status == AMQP_STATUS_OK.rawValue, "out of memory")
  }

  /// Gives the last frame's memory back; the library itself never would.
  private mutating func release() {
    if let lastChannel { amqp_maybe_release_buffers_on_channel(state, lastChannel) }
    lastChannel = nil
  }

  private static func frame(_ frame: amqp_frame_t) throws(AMQPFailure) -> AMQPFrame {
    switch Int32(frame.frame_type) {
    case AMQP_FRAME_METHOD:
      return .method(AMQPMethod(frame.payload.method), channel: frame.channel)
    case AMQP_FRAME_HEADER:
      return .contentHeader(bodyBytes: frame.payload.properties.body_size, channel: frame.channel)
    case AMQP_FRAME_BODY:
      let fragment = frame.payload.body_fragment
      return .contentBody(
        UnsafeRawBufferPointer(start: fragment.bytes, count: fragment.len), channel: frame.channel)
    case AMQP_FRAME_HEARTBEAT:
      return .heartbeat(channel: frame.channel)
    default:
      throw AMQPFailure(.badFrame, "another version of the protocol")
    }
  }
}
