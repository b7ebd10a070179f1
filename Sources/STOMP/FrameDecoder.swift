import Bytes

/// A frame of a client, in place: valid until the next call of the decoder that found it.
package struct Frame {
  package let command: ClientCommand
  package let headers: FrameHeaders
  /// Any bytes; those of a frame other than `SEND` are none.
  package let body: UnsafeRawBufferPointer

  /// What the client wants to be told when the frame is done with (STOMP 1.2, receipt).
  package var receipt: String? { headers["receipt"] }
}

/// Finds the frames in a stream that may be cut anywhere.
///
/// A frame within one piece is read where it lies. One that is cut is gathered in a buffer of its
/// own, which is there for so long; each byte is looked at once, so that a peer that sends byte by
/// byte costs linear time.
package struct FrameDecoder {
  /// What was found out of the frame being read, in offsets from its start.
  private struct Progress {
    enum Stage {
      case command
      case headers(ClientCommand, HeaderStyle, start: Int)
      /// `length`: as the client gave it, else the body ends at the first NUL.
      case body(ClientCommand, HeaderStyle, headers: Range<Int>, start: Int, length: Int?)
    }

    var stage = Stage.command
    /// Where the line begins that is not at its end yet.
    var lineStart = 0
    /// Up to where there is no end of the line, or of the body.
    var scanned = 0
    var headerCount = 0
    var contentLength: Int?

    /// What a line is that cannot be one.
    var errorInLine: FrameError {
      if case .command = stage { .unknownCommand } else { .malformedHeader }
    }
  }

  private final class Gathered {
    var bytes = ByteBuffer(minimumCapacity: 1024)
  }

  /// What the client's frames are read as; of the newest version until it is negotiated.
  package var version = Version.v12

  private let limits: FrameLimits
  private var progress = Progress()
  /// The bytes of a frame that began in an earlier piece.
  private var gathered: Gathered?
  /// Whether `gathered` is of the frame handed out last.
  private var isHandedOut = false

  package init(limits: FrameLimits = FrameLimits()) { self.limits = limits }

  /// Whether a frame is begun and not finished.
  package var isMidway: Bool { gathered != nil && !isHandedOut }

  /// The next frame of `piece` from `offset` on, or nil when the rest of it is in the next piece.
  ///
  /// Skips the line ends between frames, which are heart-beats.
  package mutating func next(
    in piece: UnsafeRawBufferPointer, at offset: inout Int
  ) throws(FrameError) -> Frame? {
    if isHandedOut {
      gathered = nil
      isHandedOut = false
    }
    if let gathered { return try next(gathered, piece, at: &offset) }
    while offset < piece.count, Self.isLineEnd(piece[offset]) { offset += 1 }
    guard offset < piece.count else { return nil }
    progress = Progress()
    let rest = UnsafeRawBufferPointer(rebasing: piece[offset...])
    guard let end = try scan(rest) else {
      let gathered = Gathered()
      gathered.bytes.append(rest)
      self.gathered = gathered
      offset = piece.count
      return nil
    }
    offset += end + 1
    return frame(in: rest, endingAt: end)
  }

  /// Goes on with a frame that began earlier.
  private mutating func next(
    _ gathered: Gathered, _ piece: UnsafeRawBufferPointer, at offset: inout Int
  ) throws(FrameError) -> Frame? {
    gathered.bytes.append(UnsafeRawBufferPointer(rebasing: piece[offset...]))
    guard let end = try scan(gathered.bytes.bytes) else {
      offset = piece.count
      return nil
    }
    // What is behind the frame's end is read from the piece.
    offset = piece.count - (gathered.bytes.count - end - 1)
    isHandedOut = true
    return frame(in: gathered.bytes.bytes, endingAt: end)
  }

  private static func isLineEnd(_ byte: UInt8) -> Bool {
    byte == ASCII.lineFeed || byte == ASCII.carriageReturn
  }

  // MARK: Scanning

  /// Where the NUL is that ends the frame at the start of `bytes`; nil if it is not there yet.
  private mutating func scan(_ bytes: UnsafeRawBufferPointer) throws(FrameError) -> Int? {
    while true {
      switch progress.stage {
      case .command, .headers:
        guard let line = try nextLine(bytes) else { return nil }
        try receivedLine(line, endingAt: progress.lineStart)
      case .body(let command, _, headers: _, let start, let length):
        guard let end = try bodyEnd(bytes, from: start, length) else { return nil }
        guard command == .send || end == start else { throw .unexpectedBody }
        return end
      }
    }
  }

  /// The next whole line of the head, without its end.
  private mutating func nextLine(
    _ bytes: UnsafeRawBufferPointer
  ) throws(FrameError) -> UnsafeRawBufferPointer? {
    let found = bytes[progress.scanned...].firstIndex { $0 == ASCII.lineFeed || $0 == 0 }
    let end = found ?? bytes.count
    switch progress.stage {
    case .command:
      guard end <= ClientCommand.lineBytesMax else { throw .unknownCommand }
    case .headers(let command, _, start: _), .body(let command, _, headers: _, start: _, length: _):
      guard end < limits.headBytesMax(of: command) else { throw .headTooLarge }
    }
    guard let found else {
      progress.scanned = bytes.count
      return nil
    }
    // What follows is no frame whatever it is, so the end of the line is not waited for.
    guard bytes[found] != 0 else { throw progress.errorInLine }
    let line = UnsafeRawBufferPointer(rebasing: bytes[progress.lineStart..<found])
    progress.lineStart = found + 1
    progress.scanned = found + 1
    return line
  }

  private mutating func receivedLine(
    _ line: UnsafeRawBufferPointer, endingAt end: Int
  ) throws(FrameError) {
    switch progress.stage {
    case .command:
      guard let command = ClientCommand(line) ?? ClientCommand(withoutReturn(line)) else {
        throw .unknownCommand
      }
      let style = HeaderStyle(of: command, in: version)
      guard style.allowsReturns || line.last != ASCII.carriageReturn else { throw .unknownCommand }
      progress.stage = .headers(command, style, start: end)
    case .headers(let command, let style, let start):
      let header = style.allowsReturns ? withoutReturn(line) : line
      guard !header.isEmpty else {
        let lines = start..<(end - line.count - 1)
        progress.stage = .body(
          command, style, headers: lines, start: end, length: progress.contentLength)
        return
      }
      try style.check(header)
      progress.headerCount += 1
      guard progress.headerCount <= limits.headersMax else { throw .tooManyHeaders }
      try noteContentLength(header, style)
    case .body:
      preconditionFailure("a line of a head behind its end")
    }
  }

  private mutating func noteContentLength(
    _ line: UnsafeRawBufferPointer, _ style: HeaderStyle
  ) throws(FrameError) {
    guard progress.contentLength == nil,
      let value = FrameHeaders(line, style: style)["content-length"]
    else { return }
    // Eight digits are more than any limit, and fewer than an `Int` holds.
    guard !value.isEmpty, value.utf8.allSatisfy(ASCII.isDigit) else {
      throw .malformedContentLength
    }
    guard value.utf8.count <= 8, let length = Int(value), length <= limits.bodyBytesMax else {
      throw .bodyTooLarge
    }
    progress.contentLength = length
  }

  private func withoutReturn(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard line.last == ASCII.carriageReturn else { return line }
    return UnsafeRawBufferPointer(rebasing: line.dropLast())
  }

  /// Where the NUL is.
  private mutating func bodyEnd(
    _ bytes: UnsafeRawBufferPointer, from start: Int, _ length: Int?
  ) throws(FrameError) -> Int? {
    if let length {
      guard bytes.count > start + length else { return nil }
      guard bytes[start + length] == 0 else { throw .missingNUL }
      return start + length
    }
    let found = bytes[progress.scanned...].firstIndex(of: 0)
    guard (found ?? bytes.count) - start <= limits.bodyBytesMax else { throw .bodyTooLarge }
    progress.scanned = bytes.count
    return found
  }

  /// The frame that `scan` found the end of.
  private func frame(in bytes: UnsafeRawBufferPointer, endingAt end: Int) -> Frame {
    guard case .body(let command, let style, let headers, let start, _) = progress.stage else {
      preconditionFailure("a frame that was not read to its end")
    }
    return Frame(
      command: command,
      headers: FrameHeaders(UnsafeRawBufferPointer(rebasing: bytes[headers]), style: style),
      body: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
  }
}
