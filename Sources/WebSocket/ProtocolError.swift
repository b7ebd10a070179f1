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
  case tooManyFragments
  case messageTooBig

  package var closeCode: CloseCode {
    switch self {
    case .reservedBits, .unknownOpcode, .wrongMasking, .badLength, .badControlFrame,
      .badCloseCode, .outOfOrder:
      .protocolError
    case .invalidUTF8: .invalidPayload
    case .tooManyFragments: .policyViolation
    case .messageTooBig: .messageTooBig
    }
  }
}
