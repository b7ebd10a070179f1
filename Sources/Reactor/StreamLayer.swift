package import Bytes

/// What turns a socket's bytes into its owner's and back, such as TLS. Bytes in, bytes out: it knows
/// no socket, no loop and no clock.
package protocol StreamCodec: AnyObject {
  /// Whether the owner's bytes can be sealed. Once true, it stays so.
  var isEstablished: Bool { get }

  /// The socket is connected: says the first word, if it is this side's.
  func start(_ sealed: inout ByteBuffer)

  /// Opens the sealed bytes in `buffer[start...]`, all of them, to the beginning of `buffer`. What
  /// they are to be answered with is appended to `sealed`, also when they are refused.
  ///
  /// `start` is `StreamLayer.sealedStart`.
  func open(
    _ buffer: UnsafeMutableRawBufferPointer, from start: Int, sealed: inout ByteBuffer
  ) -> OpenedBytes

  /// Appends `plain`, sealed, to `sealed`; says why if it cannot. Only once it is established.
  func seal(_ plain: UnsafeRawBufferPointer, into sealed: inout ByteBuffer) -> StaticString?

  /// Appends this side's last word, once.
  func finish(_ sealed: inout ByteBuffer)
}

/// What a codec made of what came.
package struct OpenedBytes {
  package enum State {
    case open
    /// The peer said its last word.
    case ended
    /// For good, and why; no secrets.
    case failed(StaticString)
  }

  /// Bytes at the beginning of the buffer, which came before the end.
  package var count: Int
  package var state: State

  package init(count: Int, state: State) {
    self.count = count
    self.state = state
  }
}

/// Who is told how a layer's beginning ended, once: it was established, or the socket was closed.
package protocol StreamLayerObserver: AnyObject {
  func handshakeEnded(isEstablished: Bool)
}

/// A codec between a socket and its owner, and what the two wait for.
package final class StreamLayer {
  /// Where sealed bytes are read to. In front of it there is room for what one record opens to of
  /// which all but the end came in earlier reads; TLS has at most 16 KiB.
  package static let sealedStart = 16 * 1024
  /// Stretches that are written in one turn are sealed together, up to so many bytes.
  static let sealedAtOnce = 16 * 1024

  enum End {
    case ended
    case failed(StreamError)
  }

  let codec: any StreamCodec
  /// Whether the owner's bytes go out as they come.
  private(set) var isEstablished = false
  /// What was written before that.
  var held: [UInt8] = []
  /// What the owner hears behind the last bytes that it is given.
  var end: End?
  private var observer: (any StreamLayerObserver)?

  package init(_ codec: any StreamCodec, observer: (any StreamLayerObserver)? = nil) {
    self.codec = codec
    self.observer = observer
  }

  // The socket lets go of its layer when it is closed.
  deinit { observer?.handshakeEnded(isEstablished: false) }

  /// Whether the codec has become established since the last look; gives what was held until then.
  func takeHeld() -> [UInt8]? {
    guard !isEstablished, codec.isEstablished else { return nil }
    isEstablished = true
    observer?.handshakeEnded(isEstablished: true)
    observer = nil
    defer { held = [] }
    return held
  }
}
