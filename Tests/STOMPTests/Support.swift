import Bytes

@testable import STOMP

/// What a decoder made of a stream, in comparable form.
struct Reading: Equatable {
  var frames: [String] = []
  var error: FrameError?
  var isMidway = false

  /// - Parameter names: the headers to look up in each frame.
  init(
    _ pieces: [[UInt8]], _ version: Version = .v12, names: [StaticString] = [],
    limits: FrameLimits = FrameLimits()
  ) {
    var decoder = FrameDecoder(limits: limits)
    decoder.version = version
    do throws(FrameError) {
      for piece in pieces { try read(piece, &decoder, names) }
    } catch {
      self.error = error
    }
    isMidway = decoder.isMidway
  }

  init(_ text: String, _ version: Version = .v12, names: [StaticString] = []) {
    self.init([Array(text.utf8)], version, names: names)
  }

  private mutating func read(
    _ piece: [UInt8], _ decoder: inout FrameDecoder, _ names: [StaticString]
  ) throws(FrameError) {
    try piece.withUnsafeBufferPointer { (piece) throws(FrameError) in
      let piece = UnsafeRawBufferPointer(piece)
      var offset = 0
      while let frame = try decoder.next(in: piece, at: &offset) {
        let headers = names.map { "\($0)=\(frame.headers[$0] ?? "-")" }
        let body = String(decoding: frame.body, as: UTF8.self)
        frames.append(([frame.command.rawValue] + headers + [body]).joined(separator: "|"))
      }
      precondition(offset == piece.count, "a decoder stops at the end of a piece only")
    }
  }
}

extension ServerSession {
  /// Takes one frame as text, without its NUL, and tells what it asks for.
  mutating func take(_ text: String) throws(SessionError) -> String {
    var decoder = FrameDecoder()
    decoder.version = version
    let bytes = Array("\(text)\0".utf8)
    return try bytes.withUnsafeBufferPointer { (bytes) throws(SessionError) in
      var offset = 0
      guard let frame = try? decoder.next(in: UnsafeRawBufferPointer(bytes), at: &offset) else {
        preconditionFailure("no frame: \(text)")
      }
      return try received(frame).summary
    }
  }

  static func connected(_ version: Version, limits: SessionLimits = SessionLimits()) throws
    -> ServerSession
  {
    var session = ServerSession(limits: limits)
    _ = try session.take("CONNECT\naccept-version:\(version.number)\n\n")
    return session
  }

  /// The copies of one message that the session sends.
  mutating func copies(to destination: String) throws(SessionError) -> [Delivery] {
    var copies: [Delivery] = []
    try deliver(to: destination) { copies.append($0) }
    return copies
  }
}

extension Request {
  var summary: String {
    switch self {
    case .connect(let connect):
      let beat = connect.heartBeat
      return "connect \(connect.version.number) \(beat.sendsEvery),\(beat.wantsEvery)"
    case .send(let destination, let frame):
      return "send \(destination) \(String(decoding: frame.body, as: UTF8.self))"
    case .subscribe(let destination, _): return "subscribe \(destination)"
    case .commit(let frames, let receipt):
      let bodies = frames.map { $0.withFrame { String(decoding: $0.body, as: UTF8.self) } }
      return "commit \(bodies.joined(separator: ",")) \(receipt ?? "-")"
    case .disconnect(let receipt): return "disconnect \(receipt ?? "-")"
    case .done(let receipt): return "done \(receipt ?? "-")"
    }
  }
}

/// What `write` appends to a buffer.
func written(_ write: (inout ByteBuffer) -> Void) -> String {
  var buffer = ByteBuffer()
  write(&buffer)
  return String(decoding: buffer.bytes, as: UTF8.self)
}
