import Bytes

/// Undoes the chunked transfer coding; RFC 9112, section 7.1.
///
/// Chunk extensions and trailers are checked and dropped. Each is bounded by the head's limit.
struct ChunkedDecoder {
  enum Event {
    /// A piece of a chunk: a range of the input.
    case data(Range<Int>)
    case end
  }

  private enum State {
    case size(digits: Int)
    case sizeExtension
    case sizeLF
    case data(remaining: Int)
    case dataCR
    case dataLF
    case trailerStart
    case trailerName
    case trailerValue
    case trailerLF
    case endLF
  }

  /// Of an `Int` of 64 bits, with room for the sum of chunks.
  private static let sizeDigitsMax = 15

  private var state = State.size(digits: 0)
  private var size = 0
  private var bodyBytes = 0
  /// Bytes since the last chunk's data that are neither data nor a plain size.
  private var overheadBytes = 0

  /// Takes the next event out of `input` from `offset` on; nil when the input is used up.
  mutating func next(
    in input: UnsafeRawBufferPointer, at offset: inout Int, limits: RequestLimits
  ) throws(RequestError) -> Event? {
    while offset < input.count {
      if case .data(let remaining) = state {
        let length = min(remaining, input.count - offset)
        state = length == remaining ? .dataCR : .data(remaining: remaining - length)
        offset += length
        return .data((offset - length)..<offset)
      }
      let byte = input[offset]
      offset += 1
      if case .endLF = state {
        guard byte == ASCII.lineFeed else { throw .badRequest(.chunk) }
        return .end
      }
      try take(byte, limits)
    }
    return nil
  }

  private mutating func take(_ byte: UInt8, _ limits: RequestLimits) throws(RequestError) {
    switch state {
    case .size(let digits):
      try takeSize(byte, digits: digits)
    case .sizeExtension:
      try countOverhead(limits)
      if byte == ASCII.carriageReturn { state = .sizeLF } else { try checkText(byte) }
    case .sizeLF:
      try expect(byte, ASCII.lineFeed)
      try beginChunk(limits)
    case .dataCR:
      try expect(byte, ASCII.carriageReturn)
      state = .dataLF
    case .dataLF:
      try expect(byte, ASCII.lineFeed)
      size = 0
      state = .size(digits: 0)
    case .trailerStart:
      if byte == ASCII.carriageReturn {
        state = .endLF
        return
      }
      try countOverhead(limits)
      guard isTokenByte(byte) else { throw .badRequest(.fieldLine) }
      state = .trailerName
    case .trailerName:
      try countOverhead(limits)
      if byte == UInt8(ascii: ":") {
        state = .trailerValue
      } else if !isTokenByte(byte) {
        throw .badRequest(.fieldLine)
      }
    case .trailerValue:
      try countOverhead(limits)
      if byte == ASCII.carriageReturn { state = .trailerLF } else { try checkText(byte) }
    case .trailerLF:
      try expect(byte, ASCII.lineFeed)
      state = .trailerStart
    case .data, .endLF:
      preconditionFailure("chunk data and the last line feed are taken by next")
    }
  }

  private mutating func takeSize(_ byte: UInt8, digits: Int) throws(RequestError) {
    if let value = ASCII.hexValue(byte) {
      guard digits < Self.sizeDigitsMax else { throw .badRequest(.chunk) }
      size = size << 4 | Int(value)
      state = .size(digits: digits + 1)
      return
    }
    guard digits > 0 else { throw .badRequest(.chunk) }
    switch byte {
    case ASCII.carriageReturn: state = .sizeLF
    case UInt8(ascii: ";"): state = .sizeExtension
    default: throw .badRequest(.chunk)
    }
  }

  private mutating func beginChunk(_ limits: RequestLimits) throws(RequestError) {
    guard size > 0 else {
      state = .trailerStart
      return
    }
    guard size <= limits.bodyBytesMax - bodyBytes else { throw .contentTooLarge }
    bodyBytes += size
    state = .data(remaining: size)
  }

  private mutating func countOverhead(_ limits: RequestLimits) throws(RequestError) {
    overheadBytes += 1
    guard overheadBytes <= limits.headBytesMax else { throw .headTooLarge }
  }

  private func checkText(_ byte: UInt8) throws(RequestError) {
    guard !ASCII.isControl(byte) || byte == ASCII.tab else { throw .badRequest(.chunk) }
  }

  private func expect(_ byte: UInt8, _ expected: UInt8) throws(RequestError) {
    guard byte == expected else { throw .badRequest(.chunk) }
  }
}
