import Bytes

/// Gathers one head: the lines up to the first empty one.
///
/// Looks at each byte once, however the head was cut, and copies it once, to where the head's
/// fields are read from later. Refuses the first byte that no head can contain.
struct HeadScanner {
  /// Bytes of a head whose end has not come yet.
  private var partial: [UInt8] = []
  private var headBytes = 0
  private var lineBytes = 0
  private var lines = 0
  private var isBehindCR = false
  /// An empty line before a request line is ignored once; RFC 9112, section 2.2.
  private var hasLeadingEmptyLine = false

  /// Whether a head has begun and not ended.
  var isMidway: Bool { headBytes > 0 }

  /// Takes bytes from `offset` on; gives the lines of a whole head, each with its CR LF,
  /// without the empty one. Nil when the input is used up before.
  mutating func next(
    in input: UnsafeRawBufferPointer, at offset: inout Int, limits: RequestLimits
  ) throws(RequestError) -> [UInt8]? {
    var start = offset
    while offset < input.count {
      let byte = input[offset]
      offset += 1
      switch try scan(byte, limits) {
      case .inside:
        continue
      case .leadingEmptyLineEnded:
        start = offset
      case .headEnded:
        var lines = partial
        self = HeadScanner()
        lines.append(contentsOf: input[start..<offset])
        lines.removeLast(2)
        return lines
      }
    }
    partial.append(contentsOf: input[start..<offset])
    return nil
  }

  private enum Position { case inside, leadingEmptyLineEnded, headEnded }

  private mutating func scan(
    _ byte: UInt8, _ limits: RequestLimits
  ) throws(RequestError) -> Position {
    headBytes += 1
    if isBehindCR {
      guard byte == ASCII.lineFeed else { throw .badRequest(.lineEnd) }
      isBehindCR = false
      return try endLine(limits)
    }
    if byte == ASCII.carriageReturn {
      isBehindCR = true
      return .inside
    }
    guard !ASCII.isControl(byte) || byte == ASCII.tab else {
      throw .badRequest(byte == ASCII.lineFeed ? .lineEnd : .controlByte)
    }
    lineBytes += 1
    if lines == 0, lineBytes > limits.requestLineBytesMax { throw .targetTooLong }
    guard headBytes <= limits.headBytesMax else { throw .headTooLarge }
    return .inside
  }

  private mutating func endLine(_ limits: RequestLimits) throws(RequestError) -> Position {
    if lineBytes == 0 {
      if lines > 0 { return .headEnded }
      guard !hasLeadingEmptyLine else { throw .badRequest(.requestLine) }
      self = HeadScanner()
      hasLeadingEmptyLine = true
      return .leadingEmptyLineEnded
    }
    lineBytes = 0
    lines += 1
    // The first line is no header line.
    guard lines - 1 <= limits.headerLinesMax else { throw .headTooLarge }
    return .inside
  }
}
