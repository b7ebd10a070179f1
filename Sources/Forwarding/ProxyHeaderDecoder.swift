import Bytes

/// Reads the header that a proxy puts in front of a connection: the PROXY protocol of HAProxy,
/// versions 1 and 2, told apart by their first byte.
///
/// Takes its bytes however they were cut, and not one behind the header's end, where another
/// protocol begins. Wrong bytes are refused as they come. After an error or a header it must not be
/// asked again.
package struct ProxyHeaderDecoder: Sendable {
  private enum State {
    case signature
    /// Version 1, up to CR LF.
    case line
    /// Version 2, up to the length of what follows.
    case fixedPart
    case addresses(byteCount: Int, behind: Int)
    /// What is neither addresses nor of any use here (section 2.2, "TLV vectors").
    case rest(byteCount: Int, ProxyHeader)
  }

  /// With its CR LF; section 2.1.
  private static let lineBytesMax = 107
  private static let lineSignature = Array("PROXY ".utf8)
  private static let binarySignature: [UInt8] = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]
  private static let fixedPartBytes = 16
  /// Behind the fixed part. The specification has no limit below 64 KiB; addresses and what is
  /// known to be added to them, a client's certificate name included, stay far below this one.
  private static let variablePartBytesMax = 4096

  private var state = State.signature
  /// Of the line, or of the fixed part and the addresses; at most 107 bytes.
  private var gathered: [UInt8] = []

  package init() {}

  /// Takes bytes from `offset` on, up to the header's end; nil when the input is used up before.
  package mutating func next(
    in input: UnsafeRawBufferPointer, at offset: inout Int
  ) throws(ProxyHeaderError) -> ProxyHeader? {
    while offset < input.count {
      if case .rest(let byteCount, let header) = state {
        let skipped = min(byteCount, input.count - offset)
        offset += skipped
        guard skipped == byteCount else {
          state = .rest(byteCount: byteCount - skipped, header)
          return nil
        }
        return header
      }
      gathered.append(input[offset])
      offset += 1
      if let header = try take() { return header }
    }
    return nil
  }

  /// Looks at the byte gathered last.
  private mutating func take() throws(ProxyHeaderError) -> ProxyHeader? {
    switch state {
    case .signature:
      try checkSignature()
      return nil
    case .line:
      return try takeLine()
    case .fixedPart:
      return gathered.count == Self.fixedPartBytes ? try takeFixedPart() : nil
    case .addresses(let byteCount, let behind):
      guard gathered.count == Self.fixedPartBytes + byteCount else { return nil }
      // Source and destination address, source and destination port.
      let source = gathered[Self.fixedPartBytes...].prefix((byteCount - 4) / 2)
      guard let address = IPAddress(networkOrder: source) else { throw .badLength }
      return skip(behind, then: .onBehalf(of: address))
    case .rest:
      preconditionFailure("what is skipped is not gathered")
    }
  }

  private mutating func checkSignature() throws(ProxyHeaderError) {
    if Self.lineSignature.starts(with: gathered) {
      if gathered.count == Self.lineSignature.count { state = .line }
    } else if Self.binarySignature.starts(with: gathered) {
      if gathered.count == Self.binarySignature.count { state = .fixedPart }
    } else {
      throw .noHeader
    }
  }

  // MARK: Version 1

  private func takeLine() throws(ProxyHeaderError) -> ProxyHeader? {
    let last = gathered.last
    let isBehindCR = gathered.dropLast().last == ASCII.carriageReturn
    guard isBehindCR == (last == ASCII.lineFeed) else { throw .badLine }
    guard isBehindCR else {
      guard gathered.count < Self.lineBytesMax else { throw .badLine }
      return nil
    }
    let parts = gathered.dropLast(2).split(
      separator: ASCII.space, omittingEmptySubsequences: false)
    guard parts.count >= 2 else { throw .badLine }
    // Whatever is said of an unknown connection is to be ignored.
    if parts[1].elementsEqual("UNKNOWN".utf8) { return .own }
    let isV6 = parts[1].elementsEqual("TCP6".utf8)
    guard isV6 || parts[1].elementsEqual("TCP4".utf8), parts.count == 6,
      let source = Self.address(parts[2], isV6: isV6),
      Self.address(parts[3], isV6: isV6) != nil, isPort(parts[4]), isPort(parts[5])
    else { throw .badLine }
    return .onBehalf(of: source)
  }

  private static func address(_ text: ArraySlice<UInt8>, isV6: Bool) -> IPAddress? {
    text.contains(UInt8(ascii: ":")) == isV6 ? IPAddress(text) : nil
  }

  // MARK: Version 2

  private mutating func takeFixedPart() throws(ProxyHeaderError) -> ProxyHeader? {
    let byteCount = Int(gathered[14]) << 8 | Int(gathered[15])
    guard gathered[12] >> 4 == 2 else { throw .unknownVersion }
    guard byteCount <= Self.variablePartBytesMax else { throw .badLength }
    switch gathered[12] & 0xF {
    // LOCAL: the proxy's own, whatever family it names.
    case 0: return skip(byteCount, then: .own)
    case 1: break
    default: throw .unknownCommand
    }
    let (family, transport) = (gathered[13] >> 4, gathered[13] & 0xF)
    let addressBytes = try Self.addressBytes(family: family)
    guard transport <= 2 else { throw .unknownFamily }
    guard transport == 0 || byteCount >= addressBytes else { throw .badLength }
    // The address of what is no TCP over IP means nothing here: the rule for such is to take the
    // connection as the proxy's own.
    guard transport == 1, family == 1 || family == 2 else { return skip(byteCount, then: .own) }
    state = .addresses(byteCount: addressBytes, behind: byteCount - addressBytes)
    return nil
  }

  private static func addressBytes(family: UInt8) throws(ProxyHeaderError) -> Int {
    switch family {
    case 0: 0
    case 1: 2 * 4 + 2 * 2
    case 2: 2 * 16 + 2 * 2
    // AF_UNIX.
    case 3: 2 * 108
    default: throw .unknownFamily
    }
  }

  private mutating func skip(_ byteCount: Int, then header: ProxyHeader) -> ProxyHeader? {
    guard byteCount > 0 else { return header }
    state = .rest(byteCount: byteCount, header)
    return nil
  }
}
