/// How a peer broke the protocol. The connection fails: send `closeCode`, then end it.
@usableFromInline
package enum ProtocolError: Error, Hashable, Sendable {
  case reservedBits
  case unknownOpcode
  case wrongMasking
  case badLength
  case badControlFrame
  case badCloseCode
  /// A continuation of nothing, or a new message inside another.
  case outOfOrder
  case invalidUTF8
  /// A compressed message that is none, or ends in the middle of a block.
  case corruptDeflate
  case tooManyFragments
  case messageTooBig

  package var closeCode: CloseCode {
    switch self {
    case .reservedBits, .unknownOpcode, .wrongMasking, .badLength, .badControlFrame,
      .badCloseCode, .outOfOrder:
      .protocolError
    case .invalidUTF8, .corruptDeflate: .invalidPayload
    case .tooManyFragments: .policyViolation
    case .messageTooBig: .messageTooBig
    }
  }
}
