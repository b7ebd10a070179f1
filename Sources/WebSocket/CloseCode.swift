/// Why a connection ends; RFC 6455, section 7.4.
@usableFromInline
package struct CloseCode: RawRepresentable, Hashable, Sendable {
  @usableFromInline package let rawValue: UInt16

  @inlinable
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package init(_ rawValue: UInt16) { self.rawValue = rawValue }

  package static let normal = CloseCode(1000)
  package static let goingAway = CloseCode(1001)
  package static let protocolError = CloseCode(1002)
  package static let unsupportedData = CloseCode(1003)
  package static let invalidPayload = CloseCode(1007)
  package static let policyViolation = CloseCode(1008)
  package static let messageTooBig = CloseCode(1009)
  package static let internalError = CloseCode(1011)
  /// Of the registry that section 11.7 sets up.
  package static let tryAgainLater = CloseCode(1013)

  /// Whether a close frame may carry the code: not 1004 to 1006 and 1015, which only stand for
  /// what happened, and none that nobody has defined.
  package var maySend: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
