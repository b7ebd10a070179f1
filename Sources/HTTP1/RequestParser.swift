/// What comes next in a client's bytes.
package enum RequestEvent: Sendable {
  case head(RequestHead)
  /// A piece of the decoded body: a range of the input given with it.
  case body(Range<Int>)
  /// The request is whole. What follows is the next request, or another protocol.
  case end
}

/// Parses the requests of one connection, one event at a time.
///
/// Works on whatever arrived: keeps only the bytes of a head that is cut, nothing of a body.
/// After an error it must not be asked again: the position of the next request is unknown.
package struct RequestParser {
  private enum State {
    case head
    case body(remaining: Int)
    case chunked(ChunkedDecoder)
    case end
  }

  private var state = State.head
  private var scanner = HeadScanner()

  package init() {}

  /// Whether a request has begun and not ended, for the time-out of a slow one.
  package var isMidway: Bool {
    switch state {
    case .head: scanner.isMidway
    case .body, .chunked, .end: true
    }
  }

  /// Takes the next event out of `input` from `offset` on; nil when the input is used up.
  package mutating func next(
    in input: UnsafeRawBufferPointer, at offset: inout Int, limits: RequestLimits
  ) throws(RequestError) -> RequestEvent? {
    switch state {
    case .head:
      guard let lines = try scanner.next(in: input, at: &offset, limits: limits) else {
        return nil
      }
      let head = try RequestHead(lines: lines, limits: limits)
      switch head.bodyFraming {
      case .none: state = .end
      case .contentLength(let length): state = .body(remaining: length)
      case .chunked: state = .chunked(ChunkedDecoder())
      }
      return .head(head)
    case .body(let remaining):
      let length = min(remaining, input.count - offset)
      guard length > 0 else { return nil }
      state = length == remaining ? .end : .body(remaining: remaining - length)
      offset += length
      return .body((offset - length)..<offset)
    case .chunked(var decoder):
      let chunk = try decoder.next(in: input, at: &offset, limits: limits)
      state = .chunked(decoder)
      switch chunk {
      case .data(let range): return .body(range)
      case .end:
        state = .head
        return .end
      case nil: return nil
      }
    case .end:
      state = .head
      return .end
    }
  }
}
